"""openai-node, unmodified, through a real gateway to each simulated server: each sentence of `node/suite.mjs`."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import node_modules
from tests.e2e.site import Served
from tests.system.needs import missing, need

SUITE = node_modules.HERE / "suite.mjs"
SENTENCES = re.findall(r'^(?:sentence|refuses)\("([^"]+)"', SUITE.read_text(), re.MULTILINE)


@pytest.mark.index
def test_the_sdk_is_installed_from_its_lock() -> None:
    need("node", "nodejs")
    need("npm", "npm")

    node_modules.install()

    locked = json.loads((node_modules.HERE / "package.json").read_text())["dependencies"]["openai"]
    told = json.loads((node_modules.folder() / "node_modules" / "openai" / "package.json").read_text())
    assert told["version"] == locked


@pytest.fixture(scope="module")
def script() -> Path:
    """The suite beside the packages it imports."""
    need("node", "nodejs")
    if not node_modules.installed():
        missing("openai-node is not installed: python -m tests.e2e.node_modules")
    return Path(shutil.copy(SUITE, node_modules.folder() / SUITE.name))


@pytest.fixture(scope="module")
def told(script: Path, served: Served) -> dict[str, Any]:
    """What the suite says of each sentence, against one kind of server."""
    spent, patient = served.new_key("node-spent", budget_tokens=0), served.new_key("node-patient")
    given = {
        "BASE_URL": f"{served.url}/v1",
        "KEY": served.key,
        "KIND": served.kind,
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
    }
    ran = subprocess.run(
        ["node", str(script)],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return {line["sentence"]: line for line in map(json.loads, ran.stdout.splitlines())}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_with_openai_node(sentence: str, told: dict[str, Any]) -> None:
    assert told[sentence]["ok"], told[sentence]["error"]


def test_every_sentence_of_the_suite_is_reported(told: dict[str, Any]) -> None:
    assert list(told) == SENTENCES
