"""Laws: a medium or an arrival with any byte changed is refused, or means exactly what it meant."""

import hashlib
import random
import shutil
from pathlib import Path

import pytest

from offline.advisories.archive import pack
from offline.advisories.drop import Gate, import_drop
from offline.advisories.site import Site
from offline.updates.client import Clock, fetch, look
from offline.updates.fault import UpdateRefused
from tests.offline.channel import NOW, OPENSSL, channel, trust
from tests.offline.updates.media import Sender

SHORT, LONG = 60, 2000


def spoil(content: bytes, dice: random.Random) -> bytes:
    """One random change: a bit, a cut, an addition, a run of noise, or two places swapped."""
    at, other = dice.randrange(len(content)), dice.randrange(len(content))
    changed = bytearray(content)
    match dice.randrange(5):
        case 0:
            changed[at] ^= 1 << dice.randrange(8)
        case 1:
            del changed[at:]
        case 2:
            changed[at:at] = dice.randbytes(dice.randrange(1, 9))
        case 3:
            changed[at : at + 8] = dice.randbytes(8)
        case _:
            changed[at], changed[other] = changed[other], changed[at]
    return bytes(changed)


@pytest.fixture
def dice(long_run: bool) -> random.Random:  # noqa: FBT001 -- a fixture of pytest
    seed = random.SystemRandom().randrange(1 << 32) if long_run else 7
    print(f"seed {seed}")
    return random.Random(seed)


def test_a_medium_with_any_byte_changed_is_refused_or_means_the_same(
    tmp_path: Path,
    dice: random.Random,
    long_run: bool,  # noqa: FBT001 -- a fixture of pytest
) -> None:
    sender = Sender(tmp_path)
    sender.ship("redoubt-1.tar")
    sender.ship("advisories-1.tar", "advisories")
    meant = look(sender.medium, tmp_path / "meant", sender.root, Clock(NOW)).offers
    files = sorted(one for one in sender.medium.rglob("*") if one.is_file() and not one.name.endswith("1.root.json"))
    refused = 0
    for number in range(LONG if long_run else SHORT):
        file = dice.choice(files)
        before = file.read_bytes()
        file.write_bytes(spoil(before, dice))
        try:
            found = look(sender.medium, tmp_path / "state", sender.root, Clock(NOW))
            fetched = [fetch(found, one, tmp_path / "in") for one in found.offers]
        except UpdateRefused:
            refused += 1
        else:
            assert found.offers == meant, f"{number}: {file}"
            assert sorted(one.read_bytes() for one in fetched) == [b"advisories-1.tar", b"redoubt-1.tar"]
        shutil.rmtree(tmp_path / "state", ignore_errors=True)
        file.write_bytes(before)

    assert refused > 0


def test_an_arrival_with_any_byte_changed_is_quarantined_or_is_what_was_sent(
    tmp_path: Path,
    dice: random.Random,
    long_run: bool,  # noqa: FBT001 -- a fixture of pytest
) -> None:
    pack(channel(tmp_path / "sent"), tmp_path / "sent.tar")
    content = (tmp_path / "sent.tar").read_bytes()
    site, drop = Site(tmp_path / "state"), tmp_path / "drop"
    drop.mkdir()
    gate = Gate(trust=trust(), check=OPENSSL, now=NOW, known=NOW)
    quarantined = 0
    for _ in range(LONG if long_run else SHORT):
        spoilt = spoil(content.rstrip(b"\0"), dice) + b"\0" * 10240
        (drop / "a.tar").write_bytes(spoilt)
        # the marker is not secret: whoever changes the tar can change it too
        (drop / "a.tar.complete").write_text(hashlib.sha256(spoilt).hexdigest())
        (receipt,) = import_drop(drop, site, gate)
        quarantined += receipt.result == "quarantined"
        if receipt.result != "quarantined":
            assert sorted(file.read_bytes() for file in site.current.iterdir()) == sorted(
                file.read_bytes() for file in (tmp_path / "sent").iterdir()
            )

    assert quarantined > 0
