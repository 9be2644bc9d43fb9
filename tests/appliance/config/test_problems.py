from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest

from appliance.config.annotations import alternatives, item_type, struct_in
from appliance.config.entities import KeyEntry
from appliance.config.load import check, load
from appliance.config.problems import problems
from appliance.config.schema import Site
from appliance.domain.errors import ConfigError

DEPLOYMENT = "{label: a, provider: vllm, url: 'http://127.0.0.1:8000', model: m%s}"


def said(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    return [str(problem).replace(str(file), "site.yaml") for problem in check(file)]


def one(tmp_path: Path, text: str) -> str:
    problems = said(tmp_path, text)
    assert len(problems) == 1, problems
    return problems[0]


def test_an_error_names_file_line_path_and_the_nearest_word(tmp_path: Path) -> None:
    text = """models:
  - name: m
    deployments:
      - label: a
        provider: vllm
        url: http://127.0.0.1:1
        model: x
        wieght: 2
"""

    assert one(tmp_path, text) == (
        "site.yaml:8: models[0].deployments[0].wieght: unknown field `wieght`; did you mean `weight`?"
    )


def test_a_word_far_from_any_other_is_answered_with_the_words_there_are(tmp_path: Path) -> None:
    assert one(tmp_path, "stop: {zzz: 1}") == "site.yaml:1: stop.zzz: unknown field `zzz`; known here: `drain_seconds`"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listen: 3", "listen: expected a mapping, got 3"),
        ("listen: {api: {port: 70000}}",
         "listen.api.port: expected a TCP port, a whole number from 0 to 65535, got 70000"),
        ("listen: {api: {port: '4000'}}",
         "listen.api.port: expected a TCP port, a whole number from 0 to 65535, got a text"),
        ("listen: {api: {plain_http: yes}}", "listen.api.plain_http: expected `true` or `false`, got a text"),
        ("listen: {api: {tls: {cert: a}}}", "listen.api.tls: `key` is missing"),
        ("reasoning: bth", "reasoning: is not one of the words allowed, got `bth`; did you mean `both`?"),
        ("default_price: 1", "default_price: expected the whole number 0, or a price, got 1"),
        ("default_price: {input: 0.1234567}", "default_price.input: an amount of money has at most 6 decimals"),
        ("default_price: {input: -1}", "default_price.input: an amount of money lies between 0 and 1000000000"),
        ("default_price: {input: NaN}", "default_price.input: an amount of money lies between 0 and 1000000000"),
        ("default_price: {input: '1e999999999'}",
         "default_price.input: an amount of money lies between 0 and 1000000000"),
        ("default_price: {input: '1_000'}",
         "default_price.input: an amount of money is written in digits, such as 0.15"),
        ("default_price: {}",
         "default_price: a price names at least one amount; `input: 0` alone is free, said aloud"),
        ("models: {a: b}", "models: expected a list, got a mapping"),
        ("models: [{name: m, deployments: []}]", "models[0].deployments: expected a list of at least one, got a list"),
        ("keys: [{name: k, role: bos}]",
         "keys[0].role: is not one of the words allowed, got `bos`; known here: `member`, `admin`"),
        ("keys: [{name: k, role: true}]", "keys[0].role: expected one of `member`, `admin`, got `true`"),
        ("keys: [{name: false}]",
         "keys[0].name: expected a name of letters, digits and ` ._:/@+-`, at most 128, got `false`"),
        ("keys: [{name: k, metadata: {a: 1}}]", "keys[0].metadata.a: expected a text, got 1"),
        ("keys: [{name: k, expires_at: 2027-01-01}]",
         "keys[0].expires_at: expected a moment with its zone, such as 2027-01-31T00:00:00Z, got a text"),
        ("keys: [{name: k, limits: {rpm: -1}}]", "keys[0].limits.rpm: expected a whole number >= 0, got -1"),
        ("- a", "expected a mapping, got a list"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_what_was_expected(tmp_path: Path, text: str, expected: str) -> None:
    assert one(tmp_path, text) == f"site.yaml:1: {expected}"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (", weight: -3", "weight: expected a number >= 0, got -3"),
        (", timeouts: {total: 0}", "timeouts.total: expected a number of seconds > 0, got 0"),
        (", options: {stop: [a]}", "options.stop: expected a text, a number, `true` or `false`, got a list"),
        (", max_parallel: 0", "max_parallel: expected a whole number >= 1, got 0"),
    ],
)
def test_a_wrong_deployment_is_told_what_was_expected(tmp_path: Path, field: str, expected: str) -> None:
    text = f"models: [{{name: m, deployments: [{DEPLOYMENT % field}]}}]"

    assert one(tmp_path, text) == f"site.yaml:1: models[0].deployments[0].{expected}"


@pytest.mark.parametrize(
    "url", ["ftp://h", "http://", "http://user@h", "http://u:p@h:1", "http://h\\x", "http://hö", "http://a b"]
)
def test_an_endpoint_address_that_could_mean_another_host_is_refused(tmp_path: Path, url: str) -> None:
    text = f"models: [{{name: m, deployments: [{{label: a, provider: vllm, url: '{url}', model: m}}]}}]"

    assert "expected an http:// or https:// address without user name" in one(tmp_path, text)


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    hidden = "hunter2-of-the-gpu-node"
    text = f"models: [{{name: m, deployments: [{DEPLOYMENT % f', credential: {hidden}'}]}}]"

    answer = one(tmp_path, text)

    assert "never the secret itself" in answer
    assert hidden not in answer


def test_all_problems_are_listed_by_line_and_load_tells_the_first_and_their_number(tmp_path: Path) -> None:
    text = "stop:\n  drain_seconds: -1\nlog:\n  level: loud\nreasning: both\n"

    assert [problem.split(": ")[1] for problem in said(tmp_path, text)] == [
        "stop.drain_seconds",
        "log.level",
        "reasning",
    ]
    with pytest.raises(ConfigError, match=r"drain_seconds.*and 2 more") as refused:
        load(tmp_path / "site.yaml")
    assert refused.value.line == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listen: {api: {host: 10.0.0.5}}", "reachable from other machines; give `tls`, or say `plain_http: true`"),
        ("listen: {api: {host: 127.evil.example}}", "listen.api.host: is not an IP address"),
        ("listen: {admin: {host: '::', tls: {cert: a, key: b}}}", "`hosts` is missing"),
        ("listen: {admin: {port: 4000}}", "both listeners want port 4000"),
        ("egress: {allow: [10.0.0.1/8]}", "did you mean `10.0.0.0/8`?"),
        ("egress: {allow: [300.1.1.1]}", "neither a network"),
        ("egress: {allow: ['a b']}", "neither a network"),
        ("egress: {allow: ['*']}", "neither a network"),
        ("keys: [{name: a}, {name: a}]", "keys[1].name: `a` is there already"),
        ("keys: [{name: a, models: ['*', m]}]", "`*` is every model"),
        (f"models: [{{name: m, deployments: [{DEPLOYMENT % ''}, {DEPLOYMENT % ''}]}}]",
         "models[0].deployments[1].label: `a` is there"),
    ],
)  # fmt: skip
def test_rules_between_settings_are_kept(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in one(tmp_path, text)


@pytest.mark.parametrize(
    "allow", ["10.0.0.0/8", "'::1'", "10.1.2.3", "gpu-1.internal", "localhost", "'*.lab'", "'fd00::/8'"]
)
def test_networks_addresses_and_names_may_be_allowed(tmp_path: Path, allow: str) -> None:
    assert said(tmp_path, f"egress: {{allow: [{allow}]}}") == []


def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"data: \xe9")

    assert "No such file" in str(check(tmp_path / "none.yaml")[0])
    assert "is not UTF-8 text" in str(check(tmp_path / "latin.yaml")[0])


def whole_numbers(struct: type[msgspec.Struct]) -> Iterator[tuple[type[msgspec.Struct], str]]:
    """Every setting that is an integer and nothing else that a number could be."""
    for name, hint in get_type_hints(struct, include_extras=True).items():
        inner = struct_in(item_type(hint) or hint)
        if inner is not None:
            yield from whole_numbers(inner)
        if int in (members := alternatives(hint)) and float not in members:
            yield struct, name


@pytest.mark.parametrize(("struct", "name"), sorted(set(whole_numbers(Site)), key=str))
def test_where_a_whole_number_is_wanted_another_number_is_told_so(struct: type[msgspec.Struct], name: str) -> None:
    told = [str(problem) for problem in problems({name: 5.0}, struct) if problem.path == (name,)]

    assert len(told) == 1
    assert told[0].startswith(f"{name}: expected ")
    assert "whole number" in told[0]
    assert told[0].endswith(", got 5.0")


def test_the_walk_over_whole_numbers_finds_them() -> None:
    assert {"port", "body_bytes", "json_depth", "attempts", "max_parallel", "rpm"} <= {
        name for _, name in whole_numbers(Site)
    }


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[2J", "\x9b", "\r", "\x7f", "\ud800", "file:a\x00b"])
def test_a_text_no_one_can_read_is_refused_wherever_it_stands(text: str) -> None:
    deployment = {
        "label": "a", "provider": text, "url": "http://127.0.0.1:1", "model": text, "credential": text, "ca_file": text,
        "options": {"num_ctx": text, text: 1},
    }  # fmt: skip
    key = {"name": "k", "models": [text], "team": text, "metadata": {"note": text}}
    value = {"models": [{"name": "m", "deployments": [deployment]}], "keys": [key]}

    found = [str(problem) for problem in problems(value, Site)]

    at = "models[0].deployments[0]"
    assert [one.partition(":")[0] for one in found] == [
        *(f"{at}.{name}" for name in ("provider", "model", "options.num_ctx", "options", "credential", "ca_file")),
        "keys[0].models[0]", "keys[0].metadata.note", "keys[0].team",
    ]  # fmt: skip
    assert all(one.endswith("holds a control character, or half of a surrogate pair") for one in found)


def test_a_note_may_have_lines() -> None:
    assert list(problems({"keys": [{"name": "k", "metadata": {"note": "one\n\ttwo\n"}}]}, Site)) == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ({"limits": {"rpm": 10**15 + 1}},
         "limits.rpm: expected a whole number >= 0, at most 1000000000000000, got 1000000000000001"),
        ({"limits": {"rpm": 10**400}},
         f"limits.rpm: expected a whole number >= 0, at most 1000000000000000, got {10**31}"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a: expected a text, at most 512 characters, got another text"),
        ({"metadata": {"x" * 129: "a"}},
         "metadata: a name in it: expected a text, at most 128 characters, got another text"),
        ({"metadata": {str(at): "a" for at in range(65)}}, "metadata: expected at most 64 of them, got a mapping"),
        ({"models": ["a"] * 1001}, "models: expected at most 1000 of them, got a list"),
        ({"team": "x" * 129}, "team: expected a text, at most 128 characters, got another text"),
        ({"role": ["admin"]}, "role: expected one of `member`, `admin`, got a list"),
    ],
)  # fmt: skip
def test_what_is_too_large_or_too_long_is_told_the_bound(key: dict[str, object], expected: str) -> None:
    assert [str(problem) for problem in problems({"name": "k", **key}, KeyEntry)] == [expected]
