"""openai-node, unmodified, through a real gateway to each simulated server: each sentence of `node/suite.mjs`."""

import json

import pytest

from tests.e2e import node_modules
from tests.e2e.node_suite import SENTENCES, Told, told
from tests.e2e.site import Served
from tests.system.needs import need


@pytest.mark.index
def test_the_sdk_is_installed_from_its_lock() -> None:
    need("node", "nodejs")
    need("npm", "npm")

    node_modules.install()

    locked = json.loads((node_modules.HERE / "package.json").read_text())["dependencies"]["openai"]
    installed = json.loads((node_modules.folder() / "node_modules" / "openai" / "package.json").read_text())
    assert installed["version"] == locked


@pytest.fixture(scope="module")
def suite(served: Served) -> dict[str, Told]:
    """What the suite says of each sentence, against one kind of server."""
    spent, patient = served.new_key("node-spent", budget_tokens=0), served.new_key("node-patient")
    given = {
        "BASE_URL": f"{served.url}/v1",
        "KEY": served.key,
        "MODEL": served.model,
        "SLOW_MODEL": served.slow,
        "VISION_MODEL": served.vision,
        "EMBEDDER": served.embedder or "",
        "SPENT_KEY": spent.value,
        "SPENT_ID": spent.id,
        "PATIENT_KEY": patient.value,
        "PATIENT_ID": patient.id,
        "ADMIN_URL": served.site.admin_url,
        "ADMIN_KEY": served.site.admin_key,
        "UPSTREAM": served.upstreams[served.model],
        "SLOW_UPSTREAM": served.upstreams[served.slow],
        "CALLS": "one" if served.kind == "tgi" else "several",
        "LONG": "40000",
        "WATCHED": "stats",
        "OVERLOAD": "fault",
    }
    return told(given, seconds=100)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_with_openai_node(sentence: str, suite: dict[str, Told]) -> None:
    assert suite[sentence].ok, suite[sentence].error


def test_every_sentence_of_the_suite_is_reported(suite: dict[str, Told]) -> None:
    assert tuple(suite) == SENTENCES
