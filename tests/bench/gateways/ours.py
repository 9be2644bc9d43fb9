"""Redoubt as an operator gets it: made, filled and served by its own command line, with its defaults.

One virtual key with every limit set (so high that none refuses, so that each is counted), a price (so that each answer
has a cost), the ledger and the events on disk, the egress guard and the fuse on. Left out: TLS.
"""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.bench.gateway import Described, Place
from tests.bench.scenario import MODEL

_LIMITS = {
    "--rpm": "1000000000",
    "--tpm": "1000000000000",
    "--parallel": "100000",
    "--budget": "1000000000",
    "--budget-tokens": "1000000000000",
    "--window": "month",
}
_CONFIG = """\
listen:
  api: {{port: {api}}}
  admin: {{port: {admin}}}
data: data
"""


def describe(place: Place) -> Described:
    config = place.work / "redoubt.yaml"
    config.write_text(_CONFIG.format(api=place.port, admin=place.port + 500))
    redoubt = (str(Path(sys.executable).with_name("redoubt")), "--config", str(config))
    _said(*redoubt, "init", "--json")
    _said(
        *redoubt, "deployments", "set", f"{MODEL}/bench", "--provider", "vllm", "--url", place.upstream,
        "--upstream-model", "mock", "--price", "input=0.59", "--price", "output=0.79",
    )  # fmt: skip
    limits = [word for option in _LIMITS.items() for word in option]
    key = json.loads(_said(*redoubt, "keys", "create", "bench", "--model", MODEL, *limits, "--json"))["key"]
    return Described(
        version=_version(),
        lacks="no TLS in this run",
        argv=(*redoubt, "serve"),
        port=place.port,
        key=key,
        env={"PYTHONUNBUFFERED": "1"},
        attempts=lambda: attempts(place.work / "data" / "ledger.db"),
    )


def attempts(ledger: Path) -> int:
    """Upstream calls the ledger knows: most rows stand for one, a refused request's for none."""
    with closing(sqlite3.connect(ledger)) as connection:
        (found,) = connection.execute("SELECT coalesce(sum(attempts), 0) FROM rows").fetchone()
    return int(found)


def _said(*argv: str) -> str:
    """Raises CalledProcessError, which is told with what the command wrote."""
    return subprocess.run(argv, capture_output=True, text=True, check=True, env={**os.environ}).stdout


def _version() -> str:
    root = Path(__file__).parents[3]
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"
