"""`redoubt pii`: policies, and a try-it by a real worker that stores nothing. Patterns only: no model is installed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.appliance.cli.conftest import Program, call

OWN = {"name": "own", "based_on": "standard", "model": False}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = tmp_path / "redoubt.yaml"
    file.write_text(yaml.safe_dump({"data": "data", "privacy": {"policy": "own", "policies": [OWN]}}))
    return file


def tried(site: Path, *words: str, typed: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(call("--config", str(site), "pii", "test", "--json", *words, typed=typed).stdout)
    return told


def test_policies_are_presets_and_the_sites_own(site: Path) -> None:
    told = json.loads(call("--config", str(site), "pii", "policies", "--json").stdout)

    assert [one["name"] for one in told] == ["off", "detect-only", "standard", "strict", "gdpr-eu", "pci", "own"]
    assert [one["name"] for one in told if one["site"]] == ["own"]
    assert "PERSON" in call("--config", str(site), "pii", "policies", "--entities").stdout


def test_a_policy_is_shown_whole(site: Path) -> None:
    told = json.loads(call("--config", str(site), "pii", "show", "own", "--json").stdout)

    assert {"entity": "SECRET", "action": "block", "threshold": None, "direction": "in"} in told["rules"]
    refused = call("--config", str(site), "pii", "show", "onw")
    assert (refused.exit_code, "did you mean `own`?" in refused.stderr) == (1, True)


def test_a_text_is_tried_and_nothing_is_written(site: Path) -> None:
    told = tried(site, typed="write to grace.hopper@mail.corp")

    assert told["sent"] == "write to [EMAIL_ADDRESS_1]"
    assert [(one["entity"], one["action"], one["text"]) for one in told["found"]] == [
        ("EMAIL_ADDRESS", "mask", "grace.hopper@mail.corp")
    ]
    assert sorted(path.name for path in site.parent.iterdir()) == ["redoubt.yaml"]


def test_a_refused_text_says_why_and_ends_with_one(site: Path) -> None:
    result = call("--config", str(site), "pii", "test", "--text", "key AKIAIOSFODNN7EXAMPLE")

    assert result.exit_code == 1
    assert "refused: `prompt` holds `SECRET`" in result.stdout


def test_a_policy_that_asks_for_names_says_that_no_model_is_installed(site: Path) -> None:
    refused = call("--config", str(site), "pii", "test", "--policy", "standard", "--text", "Grace Hopper")

    assert refused.exit_code == 1
    assert "asks for PERSON, which only a language model finds" in refused.stderr


def test_a_key_is_given_a_policy_and_loses_it(program: Program) -> None:
    program.say("keys", "create", "wiki", "--privacy", "strict")
    assert program.json("keys", "show", "wiki")["privacy"] == "strict"

    program.say("keys", "set", "wiki", "--privacy", "none")

    assert "privacy" not in program.json("keys", "show", "wiki")
    assert "did you mean `strict`?" in program.refusal("keys", "set", "wiki", "--privacy", "strickt")
