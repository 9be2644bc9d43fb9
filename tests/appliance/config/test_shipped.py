"""Which model of a release finds names, and what is said of a release that lost it."""

import json
import sys
from pathlib import Path

import pytest

from appliance.config.privacy import ModelFolder, PolicyEntry, Privacy
from appliance.config.shipped import PII_MODELS, Shipped, shipped_models
from appliance.domain.errors import ConfigError
from appliance.domain.privacy_policy import Preset
from appliance.pipeline.analysts import command
from appliance.pipeline.tryout import examine
from appliance.redaction.policy.resolve import Policies

DIGEST = "ab" * 32
PII_MODEL = PII_MODELS["en"]
OURS = {"name": PII_MODEL, "version": "1.0.0", "folder": f"{PII_MODEL}/1.0.0", "sha256": DIGEST, "licence": "MIT"}
GERMAN = {**OURS, "name": PII_MODELS["de"], "folder": f"{PII_MODELS['de']}/1.0.0", "sha256": "12" * 32}
TINY = {**OURS, "name": "redoubt_pii_ner_tiny", "folder": "redoubt_pii_ner_tiny/0.1.0", "sha256": "cd" * 32}


def a_release(prefix: Path, *listed: object) -> Path:
    """As an installer leaves it, the models' own files apart."""
    release = prefix / "releases/1.0.0-0123456789ab"
    (release / "serve").mkdir(parents=True)
    (release / "models").mkdir()
    (release / "models/index.json").write_text(json.dumps(listed))
    return release


def unpacked(release: Path, folder: str) -> None:
    (release / "models" / folder).mkdir(parents=True)
    (release / "models" / folder / "SHA256SUMS").touch()


def test_the_model_that_finds_names_is_where_the_index_says(tmp_path: Path) -> None:
    release = a_release(tmp_path, TINY, OURS)
    unpacked(release, "redoubt_pii_ner_tiny/0.1.0")
    unpacked(release, f"{PII_MODEL}/1.0.0")

    assert shipped_models(release) == {"en": Shipped(release / f"models/{PII_MODEL}/1.0.0", DIGEST)}


def test_a_model_made_for_unit_tests_is_never_taken(tmp_path: Path) -> None:
    release = a_release(tmp_path, TINY)
    unpacked(release, "redoubt_pii_ner_tiny/0.1.0")

    assert shipped_models(release) == {}


def test_a_checkout_and_a_release_without_models_have_none(tmp_path: Path) -> None:
    assert shipped_models(None) == {}
    assert shipped_models(tmp_path) == {}


def test_a_listed_model_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"lists the model `{PII_MODEL}/1\.0\.0`, which is not there; install"):
        shipped_models(a_release(tmp_path, OURS))


@pytest.mark.parametrize(
    "line",
    [{**OURS, "folder": "../../elsewhere"}, {**OURS, "folder": "/etc"}, {**OURS, "sha256": "AB"}, {"name": PII_MODEL}],
    ids=["above", "elsewhere", "no digest", "half a line"],
)
def test_an_index_that_no_installer_writes_is_an_error(line: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="list of models cannot be read; install the release again"):
        shipped_models(a_release(tmp_path, line))


def test_an_index_that_is_missing_beside_models_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()

    with pytest.raises(ConfigError, match="list of models cannot be read"):
        shipped_models(tmp_path)


def test_two_versions_of_it_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2 times"):
        shipped_models(a_release(tmp_path, OURS, {**OURS, "folder": f"{PII_MODEL}/1.1.0"}))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release with our model, that this program runs from."""
    release = a_release(tmp_path.resolve(), OURS)
    unpacked(release, OURS["folder"])
    monkeypatch.setattr(sys, "prefix", str(release / "serve"))
    return release


def test_a_worker_of_a_site_is_started_with_the_releases_model(installed: Path) -> None:
    assert command(Privacy())[-2:] == (str(installed / "models" / OURS["folder"]), DIGEST)


@pytest.mark.parametrize(
    ("languages", "loaded"), [(None, ["en"]), (("en",), ["en"]), (("de",), ["en", "de"]), (("de", "en"), ["en", "de"])]
)
def test_a_worker_loads_the_models_of_the_languages_that_policies_name(
    languages: tuple[str, ...] | None, loaded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = a_release(tmp_path.resolve(), OURS, GERMAN)
    for one in (OURS, GERMAN):
        unpacked(release, one["folder"])
    monkeypatch.setattr(sys, "prefix", str(release / "serve"))
    own = PolicyEntry(name="own", languages=languages)

    ran = command(Privacy(policies=(own,)))

    models = ran[ran.index("appliance.redaction.worker") + 1 :]
    assert models[::2] == tuple(str(release / f"models/{PII_MODELS[one]}/1.0.0") for one in loaded)
    assert models[1::2] == tuple({"en": DIGEST, "de": "12" * 32}[one] for one in loaded)


def test_the_model_of_the_settings_comes_before_the_releases(installed: Path) -> None:
    own = ModelFolder(folder="/srv/models/own", sha256="ef" * 32)

    assert command(Privacy(model=own))[-2:] == ("/srv/models/own", "ef" * 32)


def test_a_worker_of_a_checkout_has_patterns_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))

    assert command(Privacy())[-1] == "appliance.redaction.worker"


async def test_the_doctor_says_that_a_listed_model_is_missing(installed: Path) -> None:
    (installed / "models" / OURS["folder"] / "SHA256SUMS").unlink()

    told = await examine(Privacy(), Policies({}, site="standard").named(Preset.STANDARD.value))

    assert told.level == "fail"
    assert "which is not there" in told.text
