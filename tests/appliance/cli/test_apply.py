import json
from pathlib import Path

import pytest

from tests.appliance.cli.conftest import Program

SITE = """
default_price: {{input: 0.5}}
models:
  - name: llama
    deployments: [{{label: one, provider: vllm, url: "http://127.0.0.1:{port}", model: m}}]
keys:
  - {{name: admin, role: admin, models: ["*"]}}
  - {{name: wiki, models: [llama]}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "wanted.yaml"
    written.write_text(SITE.format(port=9))
    return written


def test_a_dry_run_shows_the_diff_and_changes_nothing(program: Program, file: Path) -> None:
    told = program.say("apply", "-f", str(file), "--dry-run")

    assert told.splitlines()[0] == "~ default_price: 0 -> input 0.5"
    assert "+ model `llama`" in told
    assert "+ key `wiki`" in told
    assert program.json("models", "list") == []


def test_with_yes_the_diff_is_shown_then_done_and_new_keys_are_shown_once(program: Program, file: Path) -> None:
    told = program.say("apply", "-f", str(file), "--yes")

    assert told.splitlines()[-1] == "applied 3 changes"
    assert "  wiki: rdt_" in told
    assert program.say("apply", "-f", str(file), "--yes") == "nothing to change: the store holds what the file wants\n"


def test_without_a_terminal_and_without_yes_nothing_is_done(program: Program, file: Path) -> None:
    result = program.run("apply", "-f", str(file), typed="y\n")

    assert result.exit_code == 1
    assert "say `--yes`" in result.stderr
    assert program.json("models", "list") == []


def test_prune_deletes_models_and_revokes_keys_that_only_the_store_has(program: Program, file: Path) -> None:
    program.deploy("old/one")
    program.say("keys", "create", "gone")

    program.say("apply", "-f", str(file), "--yes")
    assert [model["name"] for model in program.json("models", "list")] == ["llama", "old"]
    told = program.say("apply", "-f", str(file), "--prune", "--yes")

    assert "- model `old`" in told
    assert "- key `gone`" in told
    assert [model["name"] for model in program.json("models", "list")] == ["llama"]
    assert {key["name"] for key in program.json("keys", "list")} == {"admin", "wiki"}


def test_for_programs_it_is_json_and_must_be_agreed_to_beforehand(program: Program, file: Path) -> None:
    assert program.run("apply", "-f", str(file), "--json").exit_code == 2

    told = program.json("apply", "-f", str(file), "--yes")

    assert told["applied"]
    assert [change["what"] for change in told["changes"]] == [
        "default_price: 0 -> input 0.5", "model `llama`", "key `wiki`",
    ]  # fmt: skip
    assert told["keys"][0]["key"].startswith("rdt_")


def test_a_file_with_a_mistake_changes_nothing_and_says_where_it_is(program: Program, file: Path) -> None:
    file.write_text(file.read_text().replace("provider", "provdier"))

    assert f"{file}:5: models[0].deployments[0].provdier" in program.refusal("apply", "-f", str(file), "--yes")


def test_a_deployment_outside_the_allow_list_changes_nothing(program: Program, file: Path) -> None:
    file.write_text(file.read_text().replace("127.0.0.1", "10.0.0.1"))

    assert "egress.allow" in program.refusal("apply", "-f", str(file), "--yes")
    assert program.json("models", "list") == []


def test_drift_is_shown_both_ways(program: Program, file: Path) -> None:
    program.say("apply", "-f", str(file), "--yes")
    program.say("models", "set", "llama", "--attempts", "1")
    program.deploy("extra/one")

    drift = program.json("config", "diff", "-f", str(file))["drift"]

    assert drift == [
        {"change": "update", "what": "model `llama`", "fields": ["~ attempts: 1 -> 3"]},
        {"change": "delete", "what": "model `extra`", "fields": []},
    ]
    assert json.dumps(drift) == json.dumps(program.json("config", "diff", "-f", str(file))["drift"])
