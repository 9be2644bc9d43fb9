import pytest

from appliance.domain.names import MODEL
from tests.appliance.cli.conftest import Program


def test_a_deployment_is_made_with_its_model_and_shown_as_in_the_file(program: Program) -> None:
    program.deploy(
        "meta/llama-8b/one", "http://127.0.0.1:9", "--price", "input=0.15", "--timeout", "total=60",
        "--option", "cache_salt=false", "--weight", "2", "--credential", "env:NODE", "--max-parallel", "4",
    )  # fmt: skip

    assert program.json("deployments", "show", "meta/llama-8b/one") == {
        "deployment": "meta/llama-8b/one",
        "label": "one",
        "provider": "vllm",
        "url": "http://127.0.0.1:9",
        "model": "meta/llama",
        "weight": 2.0,
        "max_parallel": 4,
        "timeouts": {"total": 60.0},
        "price": {"input": "0.15"},
        "options": {"cache_salt": False},
        "credential": "env:NODE",
    }
    assert program.json("models", "show", "meta/llama-8b")["strategy"] == "weighted"


def test_setting_a_deployment_again_changes_what_is_named(program: Program) -> None:
    program.deploy("llama/one", "http://127.0.0.1:9", "--price", "input=1", "--option", "cache_salt=false")
    program.deploy("llama/two")

    program.say("deployments", "set", "llama/one", "--disabled", "--price", "output=2", "--option", "cache_salt=")

    shown = program.json("deployments", "show", "llama/one")
    assert (shown["enabled"], shown["price"], "options" in shown) == (False, {"input": "1", "output": "2"}, False)
    assert [one["label"] for one in program.json("models", "show", "llama")["deployments"]] == ["one", "two"]
    program.say("deployments", "set", "llama/one", "--no-price", "--enabled")
    assert "price" not in program.json("deployments", "show", "llama/one")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--provider", "vlm"), "no provider `vlm`; did you mean `vllm`?"),
        (("--url", "http://10.1.1.1:1"), "add it to `egress.allow`"),
        (("--url", "http://gpu.lab:1"), "the name `gpu.lab` is not in the egress allow-list"),
        (("--url", "http://u:p@127.0.0.1:1"), "without user name"),
        (("--option", "colour=red"), "colour"),
        (("--timeout", "total=0"), "timeouts.total: expected a number of seconds > 0"),
        (("--timeout", "totl=1"), "did you mean `total`?"),
        (("--price", "input=cheap"), "price.input: expected an amount of money"),
        (("--timeout", "total=1e400"), "timeouts.total: expected a number of seconds > 0, got a text"),
        (("--option", "cache_salt=[1"), "must be true or false, not `[1`"),
        (("--weight", "-1"), "weight: expected a number >= 0"),
        (("--credential", "hunter2"), "never the secret itself"),
    ],
)
def test_a_deployment_that_cannot_work_is_refused(program: Program, words: list[str], expected: str) -> None:
    program.deploy()
    before = program.json("models", "show", "llama")

    told = program.refusal("deployments", "set", "llama/one", *words)

    assert expected in told
    assert "hunter2" not in told
    assert "u:p" not in told
    assert program.json("models", "show", "llama") == before


def test_models_are_changed_listed_and_deleted(program: Program) -> None:
    program.deploy()

    program.say("models", "set", "llama", "--strategy", "least-busy", "--attempts", "2")
    assert "least-busy" in program.say("models", "list")
    assert "did you mean `least-busy`" in program.refusal("models", "set", "llama", "--strategy", "leastbusy")
    program.say("deployments", "delete", "llama/one")
    assert program.json("models", "show", "llama")["deployments"] == []
    assert "it has none" in program.refusal("deployments", "delete", "llama/one")
    program.say("models", "delete", "llama")

    assert program.json("models", "list") == []
    assert "redoubt models list" in program.refusal("models", "delete", "llama")


def test_a_deployment_is_named_by_model_and_label(program: Program) -> None:
    assert program.run("deployments", "show", "llama").exit_code == 2


def test_the_default_price_is_shown_and_set(program: Program) -> None:
    assert "unpriced by declaration" in program.say("prices", "show")

    program.say("prices", "set", "input=0.1", "output=0.30")
    assert program.json("prices", "show") == {"default_price": {"input": "0.1", "output": "0.3"}}
    assert "refused" in program.say("prices", "set", "--refuse")
    assert program.json("prices", "show") == {"default_price": None}
    assert program.run("prices", "set").exit_code == 2
    assert program.run("prices", "set", "--free", "input=1").exit_code == 2


def test_providers_tell_their_options(program: Program) -> None:
    assert "num_ctx" in program.say("providers", "list")
    assert {one["name"] for one in program.json("providers", "list")} >= {"vllm", "ollama", "tgi", "openai_compatible"}


@pytest.mark.parametrize("name", ["a//b", "a/../b", "./a", "a/", "/a"])
def test_a_model_that_a_path_could_not_name_is_not_made(program: Program, name: str) -> None:
    told = program.refusal(
        "deployments",
        "set",
        f"{name}/one",
        "--provider",
        "vllm",
        "--url",
        "http://127.0.0.1:9",
        "--upstream-model",
        "x",
    )

    assert f"expected {MODEL.words}" in told
    assert program.json("models", "list") == []


def test_a_price_whose_last_amount_is_taken_away_is_no_price_and_not_free(program: Program) -> None:
    program.deploy("llama/one", "http://127.0.0.1:9", "--price", "input=1")

    program.say("deployments", "set", "llama/one", "--price", "input=")

    assert "price" not in program.json("deployments", "show", "llama/one")


@pytest.mark.parametrize(
    "words",
    [
        (
            "deployments",
            "set",
            "m\udcff/a",
            "--provider",
            "vllm",
            "--url",
            "http://127.0.0.1:9",
            "--upstream-model",
            "x",
        ),
        (
            "deployments",
            "set",
            "m/a\udcff",
            "--provider",
            "vllm",
            "--url",
            "http://127.0.0.1:9",
            "--upstream-model",
            "x",
        ),
        ("deployments", "show", "m/\udcff"),
        ("models", "delete", "\udcff"),
        ("keys", "create", "\udcff"),
        ("events", "list", "--action", "\udcff"),
        ("ledger", "list", "--key", "\udcff"),
    ],
)
def test_bytes_that_are_no_text_are_refused_in_one_line(program: Program, words: list[str]) -> None:
    assert "\n" not in program.refusal(*words)
