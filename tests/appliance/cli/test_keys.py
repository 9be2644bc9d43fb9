import json

import pytest

from appliance.identity.keys import parse
from tests.appliance.cli.conftest import Program


def test_a_created_key_is_shown_once_and_is_nowhere_else(program: Program) -> None:
    told = program.say("keys", "create", "wiki", "--model", "llama", "--rpm", "5", "--budget", "2.5", "--window", "day")

    value = told.split()[-1]
    assert parse(value) == value
    assert told.count(value) == 1
    for words in (["keys", "list"], ["keys", "show", "wiki"], ["events", "list"], ["keys", "list", "--all"]):
        assert value not in program.say(*words)
        assert value not in json.dumps(program.json(*words))
    for file in program.data.iterdir():
        assert value.encode() not in file.read_bytes()


def test_a_key_created_for_a_program_is_json_with_its_value(program: Program) -> None:
    made = program.json(
        "keys", "create", "wiki", "--model", "a", "--model", "b", "--metadata", "owner=Ann", "--tpm", "0"
    )

    assert parse(made["key"]) == made["key"]
    assert (made["name"], made["models"], made["metadata"], made["limits"]) == (
        "wiki", ["a", "b"], {"owner": "Ann"}, {"tpm": 0},
    )  # fmt: skip
    assert program.json("keys", "show", "wiki")["id"] == made["id"]


def test_setting_changes_what_is_named_and_keeps_the_rest(program: Program) -> None:
    program.say(
        "keys", "create", "wiki", "--model", "a", "--rpm", "5", "--budget", "2", "--metadata", "a=1", "--expires", "30d"
    )

    program.say("keys", "set", "wiki", "--rpm", "none", "--tpm", "7", "--metadata", "b=2", "--metadata", "a=")
    program.say("keys", "set", "wiki", "--expires", "never", "--name", "search")

    shown = program.json("keys", "show", "search")
    assert shown["limits"] == {"tpm": 7, "budget": "2"}
    assert shown["metadata"] == {"b": "2"}
    assert shown["models"] == ["a"]
    assert "expires_at" not in shown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--rpm", "many"), "limits.rpm: expected a whole number >= 0, got a text"),
        (("--rpm", "5.0"), "limits.rpm: expected a whole number >= 0, got 5.0"),
        (("--tpm", "-1"), "limits.tpm: expected a whole number >= 0, got -1"),
        (("--parallel", "9" * 20), "limits.parallel: expected a whole number >= 0, at most 1000000000000000, got 9999"),
        (("--budget", "-1"), "an amount of money lies between"),
        (("--budget", "0.0000001"), "at most 6 decimals"),
        (("--field", "priorty"), "did you mean `priority`?"),
        (("--expires", "2020-01-01"), "in the past"),
    ],
)
def test_terms_that_make_no_sense_are_refused_in_one_line(program: Program, words: list[str], expected: str) -> None:
    told = program.refusal("keys", "create", "wiki", *words)

    assert expected in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "words",
    [
        ("create",),
        ("create", "wiki", "--role", "boss"),
        ("create", "wiki", "--metadata", "owner"),
        ("create", "wiki", "--expires", "soon"),
        ("rotate", "admin", "--overlap", "1y"),
        ("lst",),
    ],
)
def test_a_wrong_call_ends_with_two(program: Program, words: list[str]) -> None:
    assert program.run("keys", *words).exit_code == 2


def test_rotating_shows_a_new_value_and_the_old_one_is_ending(program: Program) -> None:
    old = program.json("keys", "create", "wiki")

    new = program.json("keys", "rotate", "wiki", "--overlap", "1h")

    assert new["key"] != old["key"]
    states = {key["id"]: key["state"] for key in program.json("keys", "list")}
    assert (states[old["id"]], states[new["id"]]) == ("ending", "active")


def test_blocked_unblocked_and_revoked(program: Program) -> None:
    program.say("keys", "create", "wiki")

    assert program.json("keys", "block", "wiki")["state"] == "blocked"
    assert program.json("keys", "unblock", "wiki")["state"] == "active"
    assert program.json("keys", "revoke", "wiki")["state"] == "revoked"
    assert [key["name"] for key in program.json("keys", "list")] == ["admin"]
    assert "wiki" in program.say("keys", "list", "--all")
    assert "did you mean" not in program.refusal("keys", "show", "wiki")


def test_the_last_admin_key_stays(program: Program) -> None:
    assert "last admin key" in program.refusal("keys", "revoke", "admin")


def test_a_typo_is_answered_with_the_nearest_name(program: Program) -> None:
    assert program.refusal("keys", "show", "admn").endswith("did you mean `admin`?")


def test_a_pepper_is_rotated(program: Program) -> None:
    assert program.json("keys", "rotate-pepper") == {"pepper": 2}
    assert program.json("keys", "create", "wiki")["pepper"] == 2


def test_root_of_the_host_recovers_an_admin_key_and_it_stands_in_the_events(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.desk.runs_as_root", lambda: False)
    assert "only root" in program.refusal("keys", "recover")
    monkeypatch.setattr("appliance.desk.runs_as_root", lambda: True)

    made = program.json("keys", "recover")

    assert made["role"] == "admin"
    assert program.json("events", "list", "--action", "key.recover")[0]["subject"] == made["id"]


def test_an_actor_is_the_user_of_the_host(program: Program) -> None:
    program.say("keys", "create", "wiki")

    assert program.json("events", "list", "--limit", "1")[0]["actor"].startswith("cli:")


def test_another_master_key_is_refused(program: Program) -> None:
    key = program.data / "master.key"
    key.unlink()
    key.write_bytes(b"x" * 32)
    key.chmod(0o400)

    assert "does not open `pepper 1`" in program.refusal("keys", "create", "wiki")


@pytest.mark.parametrize(
    "moment",
    ["99999999999w", "99999999999s", "400000d", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "now"],
)
def test_an_end_beyond_the_calendar_is_a_wrong_word_and_no_fault(program: Program, moment: str) -> None:
    result = program.run("keys", "create", "alice", "--expires", moment)

    assert result.exit_code == 2, result.output
    assert "is neither a date such as 2027-01-31" in " ".join(result.output.replace("│", " ").split())
