"""`node/suite.mjs`: its sentences, and what openai-node says of each."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.e2e import node_modules
from tests.system.needs import missing, need

SUITE = node_modules.HERE / "suite.mjs"
SENTENCES: tuple[str, ...] = tuple(re.findall(r'^(?:sentence|refuses)\("([^"]+)"', SUITE.read_text(), re.MULTILINE))


class Told(NamedTuple):
    ok: bool
    error: str  # with its stack; empty when it held


def script() -> Path:
    """The suite beside the packages it imports. Skips the test where they are missing."""
    need("node", "nodejs")
    if not node_modules.installed():
        missing("openai-node is not installed: python -m tests.e2e.node_modules")
    return Path(shutil.copy(SUITE, node_modules.folder() / SUITE.name))


def told(given: Mapping[str, str], seconds: float) -> dict[str, Told]:
    """Run the suite with `given` (see its head) as its whole environment; fails when it does not end by itself."""
    ran = subprocess.run(
        ["node", str(script())],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    lines = map(json.loads, ran.stdout.splitlines())
    return {line["sentence"]: Told(line["ok"], line["error"] or "") for line in lines}
