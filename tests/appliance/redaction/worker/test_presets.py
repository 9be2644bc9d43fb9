"""Each preset with our models, and with one that has the four labels of most of spaCy's own."""

import json
import zipfile
from pathlib import Path

import pytest

from appliance.domain.privacy import Action, Entity
from appliance.domain.privacy_entities import MODELLED
from appliance.domain.privacy_policy import Preset, Rule, Terms
from appliance.redaction.labels import entities
from appliance.redaction.policy.presets import PRESETS
from appliance.redaction.policy.resolve import analysis, whole
from appliance.redaction.worker.engine import CannotAnalyse, Engine
from appliance.redaction.worker.model import load
from tests.fakes.ner_model import GERMANS, write
from tests.fakes.recognisers import ours

GERMAN = ("de",)
ALLOWED = Rule(action=Action.ALLOW)
LACKED = {Preset.STRICT, Preset.GDPR_EU}


def test_our_models_find_every_name_that_a_policy_can_ask_for(root: Path) -> None:
    wheels = list((root / "offline/models").rglob("*.whl"))

    for wheel in wheels:
        with zipfile.ZipFile(wheel) as held:
            meta = json.loads(held.read(min(name for name in held.namelist() if name.endswith("/meta.json"))))
        assert set(entities(meta["labels"]["ner"])) >= MODELLED, wheel.name
    assert len(wheels) >= 3


@pytest.fixture(scope="module")
def four_labels(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("model")
    return Engine([load(folder, write(folder, "de", GERMANS))], ours)


@pytest.mark.parametrize("preset", sorted(LACKED))
def test_a_preset_that_masks_what_a_model_lacks_is_refused_until_it_is_allowed(
    preset: Preset, four_labels: Engine
) -> None:
    refused = analysis(whole("own", Terms(based_on=preset, languages=GERMAN)))
    allowed = analysis(whole("own", Terms(based_on=preset, languages=GERMAN, rules=((Entity("NRP"), ALLOWED),))))
    assert refused is not None
    assert allowed is not None

    with pytest.raises(CannotAnalyse, match=r"asks for NRP in `de`.*set NRP to `allow`"):
        four_labels.plan(refused)
    four_labels.plan(allowed)


@pytest.mark.parametrize("preset", sorted({*PRESETS} - LACKED - {Preset.OFF}))
def test_other_presets_ask_for_no_more_than_such_a_model_finds(preset: Preset, four_labels: Engine) -> None:
    asked = analysis(whole("own", Terms(based_on=preset, languages=GERMAN)))

    assert asked is not None
    four_labels.plan(asked)
