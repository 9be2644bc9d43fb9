"""What a worker never loads, seen in a worker at its end."""

import subprocess
import sys

import pytest

from appliance.redaction import wire
from appliance.redaction.pool import environment
from appliance.redaction.worker.shut import Downloads, refuse, shut
from tests.fakes.privacy_worker import command

LISTING = "import atexit, os; atexit.register(lambda: os.write(2, ' '.join(sys.modules).encode()))"
FETCH = {"filelock", "httpx", "pip", "requests", "smart_open", "urllib3", "weasel"}


def test_a_worker_loads_no_library_that_fetches() -> None:
    ran = subprocess.run(
        command("shipped", before=LISTING),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(),
        check=True,
    )

    loaded = set(ran.stderr.decode().split())
    assert ran.stdout == wire.framed(wire.Ready(""))
    assert {"presidio_analyzer", "spacy", "phonenumbers"} <= loaded
    assert {name.partition(".")[0] for name in loaded} & FETCH == set()


def test_what_asks_for_a_download_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    shut()

    assert vars(sys.modules["spacy.cli"])["download"] is refuse
    assert vars(sys.modules["tldextract"])["extract"] is refuse
    with pytest.raises(Downloads, match="nothing is downloaded"):
        refuse("en_core_web_lg")
