"""A model that finds names is carried in, tried by a real worker, and kept: or nothing is changed."""

import hashlib
import json
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.errors import StoreUnavailable
from appliance.pipeline import analysts
from appliance.pipeline.acceptance.sentences import read
from appliance.store.unit import SqlStore
from tests.appliance.cli.conftest import Program
from tests.fakes.model_wheel import OTHERS, a_wheel
from tests.fakes.privacy_worker import command

SPACYS = {"PERSON": "PERSON", "LOCATION": "GPE", "ORGANIZATION": "ORG", "NRP": "NORP"}
WIKIS = {"PERSON": "PER", "LOCATION": "LOC", "ORGANIZATION": "ORG"}
PACKAGE = "en_core_rules_sm"
INNER = f"{PACKAGE}/{PACKAGE}-3.8.0"


def names(language: str, labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every name of our sentences under another's labels."""
    marked = [(one, sentence.text) for sentence in read(language) for one in sentence.names]
    return [(labels[one.entity], text[one.start : one.end]) for one, text in marked if one.entity in labels]


@pytest.fixture(autouse=True)
def real_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of this checkout."""

    def worker(models: Iterable[tuple[Path, str]] = ()) -> tuple[str, ...]:
        return command("shipped", *(str(word) for one in models for word in one))

    monkeypatch.setattr(analysts, "worker_command", worker)


def added(program: Program, wheel: Path, sha256: str, *more: str) -> dict[str, Any]:
    ran = program.run("models", "add", str(wheel), "--sha256", sha256, "--json", *more)
    assert ran.exit_code == 0, ran.output
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def refused(program: Program, wheel: Path, sha256: str) -> str:
    """Why; nothing was changed."""
    ran = program.run("models", "add", str(wheel), "--sha256", sha256)
    assert ran.exit_code == 1, ran.output
    assert ran.stdout == ""
    folder = program.data / "models"
    assert not folder.exists() or not list(folder.iterdir())
    assert events(program) == []
    return ran.stderr


def events(program: Program) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = program.json("events", "list", "--action", "privacy.model.add")
    return found


def test_a_model_is_unpacked_tried_before_and_after_and_recorded(program: Program, tmp_path: Path) -> None:
    wheel, sha256 = a_wheel(tmp_path, [*names("en", SPACYS), *OTHERS])

    told = added(program, wheel, sha256)

    folder = program.data / f"models/{PACKAGE}/3.8.0"
    assert told["folder"] == str(folder)
    assert told["sha256"] == hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()
    assert not list(folder.rglob("*.py"))
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.rglob("*") if one.is_file()} == {0o600}
    assert told["finds"] == ["LOCATION", "NRP", "ORGANIZATION", "PERSON"]
    assert all(one["found"] == one["marked"] for one in told["after"]["entities"].values())
    assert (told["before"]["model"], [one["found"] for one in told["before"]["entities"].values()]) == ("", [0] * 4)
    assert told["after"]["wrong"] == 0
    (event,) = events(program)
    assert event["subject"] == f"{PACKAGE}-3.8.0"
    assert (event["after"]["wheel_sha256"], event["after"]["sums_sha256"]) == (sha256, told["sha256"])
    assert sorted(path.name for path in (program.data / "models").iterdir()) == [PACKAGE]


def test_what_was_added_can_be_used_by_the_lines_that_are_printed(program: Program, tmp_path: Path) -> None:
    wheel, sha256 = a_wheel(tmp_path, names("en", SPACYS))

    ran = program.run("models", "add", str(wheel), "--sha256", sha256)

    assert ran.exit_code == 0, ran.output
    lines = ran.stdout[ran.stdout.index("  privacy:\n") :]
    program.config.write_text(f"{program.config.read_text()}\n" + "".join(f"{one[2:]}\n" for one in lines.splitlines()))
    tried = program.run("pii", "test", "--policy", "standard", "--text", "Ask Marla Quint", "--json")
    assert json.loads(tried.stdout)["sent"] == "Ask [PERSON_1]"
    assert "is there already" in program.refusal("models", "add", str(wheel), "--sha256", sha256)


def test_a_trained_wheel_of_ours_is_taken_as_it_is_packed(program: Program, root: Path) -> None:
    (wheel,) = (root / "offline/models/tiny").rglob("*.whl")

    told = added(program, wheel, hashlib.sha256(wheel.read_bytes()).hexdigest())

    assert told["about"]["description"].startswith("FOR TESTS ONLY")
    assert told["finds"] == ["DATE_TIME", "LOCATION", "NRP", "ORGANIZATION", "PERSON", "STREET_ADDRESS"]


def test_a_model_that_finds_less_than_half_changes_nothing(program: Program, tmp_path: Path) -> None:
    wheel, sha256 = a_wheel(tmp_path, names("en", {"NRP": "NORP"}))

    said = refused(program, wheel, sha256)

    assert "less than half (LOCATION 0 of" in said
    assert "--accept-worse REASON" in said


def test_the_reason_for_taking_a_worse_one_is_kept(program: Program, tmp_path: Path) -> None:
    wheel, sha256 = a_wheel(tmp_path, names("en", {"NRP": "NORP"}))

    added(program, wheel, sha256, "--accept-worse", "it knows the names of our wards")

    assert events(program)[0]["detail"].endswith("less than half: it knows the names of our wards")


def test_labels_of_a_model_for_many_languages_are_ours_and_misc_is_none(program: Program, tmp_path: Path) -> None:
    every = [one for language in ("de", "en", "es", "fr", "it", "nl") for one in names(language, WIKIS)]
    wheel, sha256 = a_wheel(tmp_path, [*every, *OTHERS], language="xx", name="ent_wiki_sm")

    told = added(program, wheel, sha256)

    assert told["finds"] == ["LOCATION", "ORGANIZATION", "PERSON"]
    counts = told["after"]["entities"]
    assert all(counts[one]["found"] == counts[one]["marked"] > 20 for one in told["finds"])
    assert counts["NRP"]["found"] == 0


def test_a_model_in_german_is_tried_on_german_sentences(program: Program, tmp_path: Path) -> None:
    wheel, sha256 = a_wheel(tmp_path, names("de", WIKIS), language="de", name="core_news_sm")

    told = added(program, wheel, sha256)

    assert told["after"]["entities"]["PERSON"] == {"marked": 10, "found": 10}
    assert "NRP" not in told["after"]["entities"]
    assert told["lacks"] == ["NRP"]


def test_what_a_model_does_not_find_is_told_with_the_presets_that_ask_for_it(program: Program, tmp_path: Path) -> None:
    wheel, sha256 = a_wheel(tmp_path, names("de", WIKIS), language="de", name="core_news_sm")

    ran = program.run("models", "add", str(wheel), "--sha256", sha256)

    assert "does not find NRP: policies that ask for it, as `strict`, `gdpr-eu` do, are refused" in ran.stdout
    assert "set NRP to `allow`" in ran.stdout


def test_a_wheel_that_is_not_the_one_named_is_refused(program: Program, tmp_path: Path) -> None:
    wheel, sha256 = a_wheel(tmp_path, names("en", SPACYS))

    assert f"has sha256 {sha256}, not {'0' * 64}; nothing was changed" in refused(program, wheel, "0" * 64)
    assert "takes 64 hex digits" in refused(program, wheel, "abc")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({f"{PACKAGE}/hook.py": b"import os\n"}, "hook.py` beside its model"),
        ({f"{PACKAGE}/__init__.py": b"import os\nos.system('true')\n"}, "__init__.py` beside its model"),
        ({f"{PACKAGE}/__init__.py": b"from . import hook\n"}, "__init__.py` beside its model"),
        ({f"{PACKAGE}/__init__.py": b"from spacy.util import x\n__version__ = eval('1')\n"}, "beside its model"),
        ({f"{INNER}/hook.py": b""}, "`hook.py`, which is no data"),
        ({f"{INNER}/ner/model": b"\x7fELF\x02"}, "`ner/model`, which is no data"),
        ({f"{INNER}/ner/model": b"PK\x03\x04"}, "`ner/model`, which is no data"),
        ({f"{INNER}/ner/cfg": b"\x80\x04\x95."}, "`ner/cfg`, which is no data"),
        ({f"{INNER}/vocab/vectors": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', }\n"}, "`vocab/vectors`, which is no data"),
        ({f"{INNER}/../../../x": b""}, "leaves its place"),
        ({"start.pth": b"import os\n"}, "`start.pth`, which runs"),
        ({f"{PACKAGE}/fast.so": b"\x7fELF"}, "fast.so`, which runs"),
        ({f"{INNER}/meta.json": b"{}"}, "no `meta.json` that can be read"),
        ({f"{INNER}/meta.json": b'{"lang": "tlh", "version": "3.8.0"}'}, "the language `tlh`"),
        ({f"{INNER}/meta.json": b'{"lang": "en", "version": "3.7.0"}'}, "version 3.8.0, its model 3.7.0"),
        (
            {f"{INNER}/meta.json": b'{"lang": "en", "version": "3.8.0", "labels": {"ner": ["MISC"]}}'},
            "finds no names: it has the labels MISC",
        ),
    ],
)
def test_a_wheel_that_holds_more_than_a_models_data_is_refused(
    more: Mapping[str, bytes], said: str, program: Program, tmp_path: Path
) -> None:
    wheel, sha256 = a_wheel(tmp_path, [("PERSON", "Marla Quint")], more=more)

    assert said in refused(program, wheel, sha256)


def test_a_configuration_that_asks_for_a_part_we_have_not_is_refused(program: Program, tmp_path: Path) -> None:
    config = b'[nlp]\nlang = "en"\npipeline = ["ner"]\n[components]\n[components.ner]\nfactory = "theirs"\n'
    wheel, sha256 = a_wheel(tmp_path, names("en", SPACYS), more={f"{INNER}/config.cfg": config})

    assert "cannot be loaded" in refused(program, wheel, sha256)


def test_a_model_in_use_that_cannot_be_asked_is_told_and_stops_nothing(program: Program, tmp_path: Path) -> None:
    gone = f"privacy:\n  model: {{folder: {tmp_path / 'gone'}, sha256: {'0' * 64}}}\n"
    program.config.write_text(f"{program.config.read_text()}\n{gone}")
    wheel, sha256 = a_wheel(tmp_path, names("en", SPACYS))

    told = added(program, wheel, sha256)

    assert told["before"] is None
    assert "model `gone` has no SHA256SUMS" in told["why_not_before"]


def test_a_model_whose_event_cannot_be_written_is_taken_away_again(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    wheel, sha256 = a_wheel(tmp_path, names("en", SPACYS))
    with monkeypatch.context() as broken:
        broken.setattr(SqlStore, "add_event", full)

        assert "the disk is full" in refused(program, wheel, sha256)
