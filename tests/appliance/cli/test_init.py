import json
from pathlib import Path

import pytest

from appliance.identity.keys import parse
from tests.appliance.cli.conftest import Program, call


def test_init_makes_a_whole_site_and_shows_the_first_admin_key_once(tmp_path: Path) -> None:
    made = call("init", str(tmp_path / "site"))

    value = made.stdout.split("admin: ")[1].split()[0]
    program = Program(tmp_path / "site" / "redoubt.yaml", value)
    assert made.exit_code == 0
    assert parse(value) == value
    assert made.stdout.count(value) == 1
    assert oct((program.data).stat().st_mode)[-4:] == "0700"
    assert oct((program.data / "master.key").stat().st_mode)[-4:] == "0400"
    assert oct((program.data / "store.db").stat().st_mode)[-4:] == "0600"
    assert program.json("prices", "show") == {"default_price": {"input": "0"}}
    assert [(key["name"], key["role"]) for key in program.json("keys", "list")] == [("admin", "admin")]
    assert "default_price: 0" in program.config.read_text()


def test_a_new_site_does_not_drift_from_its_file(program: Program) -> None:
    assert program.json("config", "diff") == {"drift": []}


def test_init_takes_a_file_that_is_there_and_fills_the_store_from_it(tmp_path: Path) -> None:
    file = tmp_path / "redoubt.yaml"
    file.write_text("""
        default_price: {input: 0.5}
        models:
          - name: llama
            deployments: [{label: one, provider: vllm, url: "http://127.0.0.1:9", model: m}]
        keys: [{name: wiki, models: [llama]}]
    """)

    made = json.loads(call("init", str(tmp_path), "--json").stdout)

    program = Program(file, "")
    assert [(key["name"], key["role"]) for key in made["keys"]] == [("admin", "admin"), ("wiki", "member")]
    assert program.json("prices", "show") == {"default_price": {"input": "0.5"}}
    assert [model["name"] for model in program.json("models", "list")] == ["llama"]


def test_init_never_touches_a_store_that_is_there(program: Program) -> None:
    before = {file: file.read_bytes() for file in program.data.iterdir()}

    assert "there is a store in" in program.refusal("init")

    assert {file: file.read_bytes() for file in program.data.iterdir()} == before


def test_init_leaves_nothing_behind_when_the_file_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "redoubt.yaml"
    file.write_text("keys: [{name: a, fields: [priorty]}]")

    refused = call("--config", str(file), "init")

    assert refused.exit_code == 1
    assert "did you mean `priority`" in refused.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_init_refuses_a_deployment_that_could_never_be_dialled(tmp_path: Path) -> None:
    file = tmp_path / "redoubt.yaml"
    file.write_text("models: [{name: m, deployments: [{label: a, provider: vlm, url: 'http://10.9.9.9:1', model: m}]}]")

    refused = call("--config", str(file), "init")

    assert refused.exit_code == 1
    assert "egress allow-list" in refused.stderr
    assert "did you mean `vllm`" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_init_uses_a_master_key_that_was_brought(tmp_path: Path) -> None:
    key = tmp_path / "brought.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o400)
    (tmp_path / "redoubt.yaml").write_text("master_key: brought.key")

    assert call("init", str(tmp_path)).exit_code == 0
    assert key.read_bytes() == b"k" * 32
    assert not (tmp_path / "data" / "master.key").exists()


def test_folder_and_config_together_are_a_wrong_call(tmp_path: Path) -> None:
    assert call("--config", "a.yaml", "init", str(tmp_path)).exit_code == 2


def test_without_a_configuration_a_verb_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDOUBT_CONFIG", raising=False)
    monkeypatch.setattr("appliance.config.secrets.CONFIG_PLACES", (Path("redoubt.yaml"),))

    refused = call("keys", "list")

    assert refused.exit_code == 1
    assert "redoubt init" in refused.stderr
