"""`redoubt db` and `redoubt spend --total`: what an installer asks of either release."""

import json
from pathlib import Path

import pytest

from tests.appliance.cli.conftest import Program, call
from tests.appliance.store.later import being
from tests.appliance.store.sites import a_row
from tests.system.releases import NARROWER, Release, later_release


@pytest.fixture(scope="session")
def wider(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return later_release(tmp_path_factory.mktemp("releases") / "wider", "0.2.0")


@pytest.fixture(scope="session")
def narrower(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return later_release(tmp_path_factory.mktemp("releases") / "narrower", "0.2.0", step=NARROWER)


def status(data: Path) -> tuple[int, str, list[tuple[str | None, str | None, str]]]:
    """Of a folder, by a call that reads no configuration: exit code, action, and what was found."""
    result = call("--config", "/nowhere.yaml", "db", "status", "--data", str(data), "--json")
    told = json.loads(result.stdout)
    assert told["fits"] == (told["action"] == "none") == (not told["why"])
    databases = [(one["found"], one["compatible_from"], one["needed"]) for one in told["databases"]]
    return result.exit_code, told["action"], databases


def test_the_status_of_a_folder_is_told_by_either_release(program: Program, wider: Release) -> None:
    assert status(program.data) == (0, "none", [("0002", "0001", "0002")] * 2)
    with being(wider):
        assert status(program.data) == (1, "migrate", [("0002", "0001", "0003")] * 2)
        program.say("db", "migrate", "--online")
        assert status(program.data) == (0, "none", [("0003", "0001", "0003")] * 2)
    assert status(program.data) == (0, "none", [("0003", "0001", "0002")] * 2)


def test_a_folder_that_only_a_restore_helps_says_so(program: Program, narrower: Release) -> None:
    with being(narrower):
        refused = program.refusal("db", "migrate", "--online")
        program.say("db", "migrate")

    assert "stop the gateway, take a backup and run `redoubt db migrate`" in refused
    assert status(program.data) == (1, "restore", [("0003", "0003", "0002")] * 2)
    assert "redoubt backup restore" in program.run("db", "status").stdout
    assert "redoubt backup restore" in program.refusal("keys", "list")


def test_no_store_is_told_as_one_to_be_made(tmp_path: Path) -> None:
    assert status(tmp_path / "none") == (1, "migrate", [(None, None, "0002")] * 2)


def test_one_missing_database_is_never_taken_for_an_empty_one(program: Program) -> None:
    (program.data / "ledger.db").unlink()

    assert "ledger.db` is missing beside the other database" in program.refusal("db", "status")


def test_migrating_what_a_newer_release_widened_says_that_it_is_left(program: Program, wider: Release) -> None:
    with being(wider):
        assert "0003" in program.say("db", "migrate")

    told = program.say("db", "migrate")

    assert told.count("of a newer release, which this one can use: left as it is") == 2


def test_the_total_is_one_line_of_sums(program: Program) -> None:
    program.record([a_row(1), a_row(2, model="other"), a_row(3, key_id="key_0000000000000002")])

    told = program.json("spend", "--total")

    assert told["by"] == []
    assert [(line["requests"], line["prompt"], line["cost_micros"]) for line in told["lines"]] == [(3, 30, 21)]
    assert "total: 3 requests" in program.say("spend", "--total")
