import re
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config.amounts import amount, micros
from appliance.config.desired import desired
from appliance.config.load import check, load
from appliance.config.reference import json_schema, setting_paths, settings_page
from appliance.config.render import deployment_entry, effective, model_entry, terms_entry, to_yaml
from appliance.config.rules import warnings
from appliance.config.schema import AdminListener, Listener, Site
from appliance.config.tree import parse
from appliance.domain.errors import ConfigError
from appliance.domain.money import Price
from appliance.domain.names import MODEL

SHIPPED = ["example.yaml", "starter.yaml"]


def shipped(name: str) -> Path:
    return Path(str(files("appliance.config").joinpath(name)))


def written(text: str, tmp_path: Path) -> Site:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    return load(file)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_is_right(name: str) -> None:
    assert check(shipped(name)) == []
    assert jsonschema_rs.is_valid(json_schema(), parse(shipped(name).read_text(), name).data)


def test_the_example_holds_every_setting() -> None:
    def paths(value: object, prefix: str = "") -> set[str]:
        if isinstance(value, dict):
            return {f"{prefix}{name}" for name in value}.union(
                *(paths(one, f"{prefix}{name}.") for name, one in value.items())
            )
        if isinstance(value, list):
            return set().union(*(paths(one, f"{prefix[:-1]}[].") for one in value)) if value else set()
        return set()

    missing = set(setting_paths()) - paths(parse(shipped("example.yaml").read_text(), "example.yaml").data)

    # the admin listener of the example stays on loopback, where TLS would be noise
    assert missing == {f"listen.admin.tls{field}" for field in ("", ".cert", ".key", ".client_ca")}


def test_the_starter_declares_its_price_of_nothing() -> None:
    wanted = desired(load(shipped("starter.yaml")))

    assert wanted.default_price == Price()
    assert [(key.name, key.role, key.models) for key in wanted.keys] == [("admin", "admin", ("*",))]


def test_an_empty_file_is_a_site_on_loopback_that_may_connect_to_loopback(tmp_path: Path) -> None:
    site = written("", tmp_path)

    assert (site.listen.api.host, site.listen.api.port) == ("127.0.0.1", 4000)
    assert (site.listen.admin.host, site.listen.admin.port) == ("127.0.0.1", 4001)
    assert site.egress.allow == ("127.0.0.0/8", "::1/128", "localhost")
    assert warnings(site) == []


def test_paths_are_meant_from_the_folder_of_the_file(tmp_path: Path) -> None:
    text = """
        data: state
        listen: {api: {tls: {cert: t/c.pem, key: /abs/k.pem}}}
        models:
          - name: m
            deployments:
              - {label: a, provider: vllm, url: "http://127.0.0.1:1", model: x, credential: "file:s/t", ca_file: ca.pem}
              - {label: b, provider: vllm, url: "http://127.0.0.1:1", model: x, credential: "env:TOKEN"}
    """
    site = written(text, tmp_path)
    one, two = site.models[0].deployments

    assert site.data_folder == tmp_path / "state"
    assert site.master_key_file == tmp_path / "state" / "master.key"
    assert site.listen.api.tls is not None
    assert (site.listen.api.tls.cert, site.listen.api.tls.key) == (str(tmp_path / "t/c.pem"), "/abs/k.pem")
    assert (one.credential, one.ca_file) == (f"file:{tmp_path}/s/t", str(tmp_path / "ca.pem"))
    assert two.credential == "env:TOKEN"


def test_prices_in_the_file_become_micros_per_million_tokens(tmp_path: Path) -> None:
    price = desired(written("default_price: {input: 0.59, cached: '0.000001', gpu_second: 2}", tmp_path)).default_price

    assert price == Price(input=590_000, cached=1, output=0, gpu_second=2_000_000)


def test_a_default_price_can_be_declared_absent_or_left_alone(tmp_path: Path) -> None:
    assert desired(written("default_price: 0", tmp_path)).default_price == Price()
    assert desired(written("default_price: null", tmp_path)).default_price is None
    assert repr(desired(written("", tmp_path)).default_price) == "UNSET"


@settings(deadline=None)
@given(st.integers(0, 10**15))
def test_amounts_survive_being_written_and_read(of: int) -> None:
    assert micros(Decimal(amount(of))) == of


@pytest.mark.parametrize("wrong", ["-1", "NaN", "Infinity", "0.0000001", "1000000001"])
def test_an_amount_that_cannot_be_kept_exactly_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="an amount of money"):
        micros(Decimal(wrong))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_a_listener_on_loopback_is_reached_by_this_machine_alone(host: str) -> None:
    assert not Listener(host=host).beyond_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "127.example", "gateway.internal"])
def test_a_listener_on_any_other_address_is_beyond_loopback(host: str) -> None:
    assert Listener(host=host).beyond_loopback


def test_the_host_names_allowed_are_the_loopback_ones_the_own_one_and_those_written() -> None:
    assert AdminListener(host="fd00::1", hosts=("LLM.internal",)).allowed_hosts == (
        "localhost", "127.0.0.1", "[::1]", "[fd00::1]", "llm.internal",
    )  # fmt: skip
    assert Listener(host="0.0.0.0").allowed_hosts == ("localhost", "127.0.0.1", "[::1]")


def test_plain_http_beyond_loopback_and_an_open_allow_list_are_warned_about(tmp_path: Path) -> None:
    text = "listen: {api: {host: 10.0.0.5, plain_http: true}}\negress: {allow: [0.0.0.0/0]}"

    said = warnings(written(text, tmp_path))

    assert len(said) == 2
    assert "10.0.0.5:4000 is reachable" in said[0]
    assert "guards nothing" in said[1]


def test_entities_rendered_as_yaml_load_to_the_same_entities(tmp_path: Path) -> None:
    wanted = desired(load(shipped("example.yaml")))
    assert isinstance(wanted.default_price, Price)
    plain = {
        "models": [model_entry(model) for model in wanted.models],
        "keys": [terms_entry(terms) for terms in wanted.keys],
    }

    again = desired(written(to_yaml(plain), tmp_path))

    assert again.models == wanted.models
    assert again.keys == wanted.keys


def test_what_stands_at_its_default_is_left_out_of_an_entity() -> None:
    deployment = desired(load(shipped("example.yaml"))).models[1].deployments[1]

    assert deployment_entry(deployment) == {
        "label": "box2", "provider": "tgi", "url": "http://tgi-1.internal:8080", "model": "tgi",
    }  # fmt: skip


def test_the_effective_configuration_loads_again(tmp_path: Path) -> None:
    site = load(shipped("example.yaml"))

    assert written(to_yaml(effective(site)), tmp_path) == site


def test_the_json_schema_takes_money_as_number_or_text_and_refuses_unknown_fields() -> None:
    schema = json_schema()

    assert jsonschema_rs.is_valid(schema, {"default_price": {"input": 0.5, "output": "0.25"}})
    assert not jsonschema_rs.is_valid(schema, {"default_price": {"inputs": 0.5}})
    assert not jsonschema_rs.is_valid(schema, {"lissten": {}})


def test_every_setting_has_a_meaning() -> None:
    assert not re.search(r"\| *\|$", settings_page(), re.MULTILINE)


def test_the_starter_needs_no_yaml_1_1_reader_to_be_understood_alike() -> None:
    text = shipped("starter.yaml").read_text()

    assert yaml.safe_load(text) == parse(text, "starter.yaml").data


@pytest.mark.parametrize("name", ["a//b", "a/../b", "./a", "a/", "/a", '"a\\n"'])
def test_a_model_that_a_path_could_not_name_is_refused(tmp_path: Path, name: str) -> None:
    deployment = "{label: one, provider: vllm, url: http://127.0.0.1:1, model: x}"

    with pytest.raises(ConfigError) as refused:
        written(f"models:\n- name: {name}\n  deployments: [{deployment}]\n", tmp_path)

    assert f"site.yaml:2: models[0].name: expected {MODEL.words}, got another text" in refused.value.message


def test_a_model_may_be_named_as_its_makers_name_it(tmp_path: Path) -> None:
    deployment = "{label: one, provider: vllm, url: http://127.0.0.1:1, model: x}"

    site = written(f"models:\n- name: org/model-7b:q4\n  deployments: [{deployment}]\n", tmp_path)

    assert site.models[0].name == "org/model-7b:q4"
