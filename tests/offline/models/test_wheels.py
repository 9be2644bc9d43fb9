"""The wheels that are committed: data only, small, hashed, attributed, and as good as their floors say."""

import hashlib
import json
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from offline.describe import _model
from offline.failure import Failure
from offline.members import carried_models
from offline.models.clean import LARGEST, check
from offline.models.manifest import HOME, HOMES, read_data
from offline.models.notice import notice
from offline.rules.wheel import read_wheel
from sbom import mlbom
from sbom.model import Party, Product

MODELS = HOME.parent
CARRIED = sorted((MODELS / "dist").glob("*/*/model.json"))
TINY = sorted((MODELS / "tiny").glob("*/*/model.json"))
MOST_WHEELS = 3  # over the life of the project: git keeps each for ever
STOCK = b"def load(**overrides):\n    return load_model_from_init_py(__file__, **overrides)\n"


def card(place: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return told


def members(place: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(place.with_name(card(place)["file"])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def home_of(place: Path) -> Path:
    """What the model whose card this is was made of; the small one shares the English home."""
    return HOMES.get(place.parent.parent.name.rsplit("_", 1)[-1], HOME)


@pytest.fixture(params=[*CARRIED, *TINY], ids=lambda one: one.parent.parent.name)
def place(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_no_more_wheels_are_kept_than_agreed_and_one_serves_tests() -> None:
    assert [one.parent.parent.name for one in TINY] == ["redoubt_pii_ner_tiny"]
    assert {one.parent.parent.name for one in CARRIED} <= {f"redoubt_pii_ner_{language}" for language in HOMES}
    assert len(list((MODELS / "dist").rglob("*.whl"))) == len(CARRIED) <= MOST_WHEELS


def test_the_wheel_is_the_one_its_hash_names(place: Path) -> None:
    wheel = place.with_name(card(place)["file"])
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()

    assert sha256 == card(place)["sha256"]
    assert place.with_name(f"{wheel.name}.sha256").read_text() == f"{sha256}  {wheel.name}\n"


def test_the_wheel_is_whole_pure_and_small(place: Path) -> None:
    wheel = place.with_name(card(place)["file"])

    assert not read_wheel(wheel).native
    assert wheel.stat().st_size <= (1_500_000 if place in TINY else LARGEST)


def test_the_wheel_holds_no_code_but_spacys_and_no_place_of_a_machine(place: Path) -> None:
    found = members(place)

    check(found)
    code = [name for name in found if name.endswith(".py")]
    assert code == [f"{card(place)['file'].split('-')[0]}/__init__.py"]
    assert found[code[0]].endswith(STOCK)


def test_every_setting_of_the_pipeline_names_a_part_that_comes_with_spacy_or_with_us(place: Path) -> None:
    found = members(place)
    config = next(content.decode() for name, content in found.items() if name.endswith("/config.cfg"))

    registered = [line.split("=")[1].strip(' "') for line in config.splitlines() if line.startswith("@")]
    assert registered
    ours = [one for one in registered if not one.startswith(("spacy.", "Adam.", "compounding."))]
    assert set(ours) <= {
        one.name for one in entry_points(group="spacy_architectures") if one.value.startswith("appliance.")
    }
    assert 'path = "/' not in config


def test_the_notice_in_the_wheel_is_that_of_what_it_learned_from(place: Path) -> None:
    data = read_data(home_of(place)) if place in CARRIED else read_data().synthetic_only()
    page = next(content.decode() for name, content in members(place).items() if name.endswith("licenses/NOTICE.md"))

    assert page == notice(data)
    assert card(place)["data_manifest"] == data.sha256
    assert [one["name"] for one in card(place)["datasets"]] == [one.name for one in data.every]


def floors(home: Path = HOME) -> dict[str, float]:
    lines = (home / "config.cfg").read_text(encoding="utf-8").splitlines()
    found: dict[str, float] = {}
    for line in lines:
        if line.startswith(("floor_", "bar_")):
            found |= tomllib.loads(line)
    return found


def test_the_bars_of_a_1_0_and_the_floors_of_others_are_no_lower_than_was_agreed() -> None:
    assert floors()["bar_person"] >= 0.76
    assert floors()["bar_all"] >= 0.65
    assert floors()["floor_held_out"] >= 0.75
    assert floors(HOMES["de"])["floor_f2"] >= 0.60


def test_an_english_model_below_its_bars_is_no_1_0_and_says_so_in_its_limits() -> None:
    for one in (place for place in CARRIED if home_of(place) == HOME):
        told = card(one)
        together = told["scores"]["together"]
        if together["PERSON"] < floors()["bar_person"] or together["ALL"] < floors()["bar_all"]:
            assert one.parent.name.startswith("0.")
            assert told["limits"][0].startswith("below what was asked of it on real text")
            assert f"PERSON {together['PERSON']:.3f} of 0.76" in told["limits"][0]


def test_a_model_that_is_carried_reaches_its_floors_and_its_card_says_so() -> None:
    for one in CARRIED:
        home, scores = home_of(one), card(one)["scores"]
        page = (home / "MODEL_CARD.md").read_text(encoding="utf-8")
        assert scores["together"]["PERSON"] >= floors(home)["floor_person"]
        assert scores["together"]["ALL"] >= floors(home)["floor_all"]
        assert scores["held-out"]["ALL"] >= floors(home)["floor_held_out"]
        assert scores.get("F2", {"ALL": 0.0})["ALL"] >= floors(home).get("floor_f2", 0.0)
        for name, found in scores.items():
            row = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
            assert f"| {found['ALL']:.3f} |" in row, name


def test_the_small_model_says_loudly_that_it_is_for_tests_only() -> None:
    meta = json.loads(next(content for name, content in members(TINY[0]).items() if name.endswith("/meta.json")))

    assert meta["description"].startswith("FOR TESTS ONLY")
    assert "must never guard real data" in meta["notes"]
    assert "FOR TESTS ONLY" in card(TINY[0])["limits"][0]


def test_a_bundle_carries_it_and_its_ml_bom_names_every_source(place: Path, tmp_path: Path) -> None:
    every = carried_models(place.parents[2], tmp_path / "models")
    (carried,) = (one for one in every if one.name == place.parent.parent.name)
    party = Party(name="A Maker", email="maker@redoubt.example")
    product = Product(
        name="redoubt", version="1", machine="x86_64", licence="Apache-2.0", party=party, tool_version="1"
    )

    document = mlbom.document([_model(tmp_path, carried)], product, 0)

    told = json.loads(document)["components"][0]
    assert told["name"] == card(place)["file"].split("-")[0]
    assert told["components"][0]["hashes"][0]["content"] == card(place)["sha256"]
    datasets = told["modelCard"]["modelParameters"]["datasets"]
    assert [one["name"] for one in datasets] == [one["name"] for one in card(place)["datasets"]]
    assert told["licenses"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("m/config.cfg", b'path = "/home/user/train.spacy"', "names `/home/user`"),
        ("m/meta.json", b'{"p": "C:\\\\Users\\\\ann"}', "a place of the machine"),
        ("m/hook.py", b"import os", "is code"),
        ("m/__init__.py", b"import os\nos.system('true')\n", "is code"),
        ("m/x.so", b"\x7fELF", "is code"),
        ("m/cfg", b"\x80\x04\x95.", "is a pickle"),
    ],
)
def test_what_must_not_travel_is_refused(name: str, content: bytes, told: str) -> None:
    with pytest.raises(Failure, match=told.replace("\\", "\\\\")):
        check({name: content})
