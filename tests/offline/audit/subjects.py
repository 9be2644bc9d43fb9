"""Locks, environments and data to audit."""

import base64
import csv
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from offline.advisories.build import build
from offline.audit.pins import Demand, of_lock
from offline.audit.report import Report
from offline.audit.run import Job, audit
from offline.audit.standing import Standing, signed
from offline.audit.vex import NoVex, Vex
from tests.offline.channel import CARA, NOW, OPENSSL, SEED_DATA, SEED_SOURCE, asked, channel, plan, trust

KNOWN_BAD = (
    "aiohttp==3.7.0",
    "certifi==2022.9.24",
    "cryptography==3.2",
    "Django==3.2",
    "Jinja2==2.10",
    "Pillow==8.0.0",
    "PyYAML==5.3",
    "requests==2.19.0",
    "urllib3==1.24.1",
    "zope.interface==5.0.0",
    "scikit_learn==0.23.0",
)


def lock(where: Path, *pins: str) -> Path:
    """A lock; a pin with a space in it is taken as a whole line."""
    lines = [one if " " in one else f"{one} --hash=sha256:{hashlib.sha256(one.encode()).hexdigest()}" for one in pins]
    where.write_text("".join(f"{line}\n" for line in lines))
    return where


def installed(place: Path, name: str, version: str, *, record: bool = True, said: str | None = None) -> Path:
    """A package as pip would have installed it, without its modules."""
    info = place / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {said or name}\nVersion: {version}\n".encode()
    (info / "METADATA").write_bytes(metadata)
    digest = base64.urlsafe_b64encode(hashlib.sha256(metadata).digest()).rstrip(b"=").decode()
    if record:
        with (info / "RECORD").open("w", newline="") as out:
            csv.writer(out).writerow([f"{info.name}/METADATA", f"sha256={digest}", len(metadata)])
    return info


def standing(folder: Path, now: datetime = NOW) -> Standing:
    return signed(folder, trust(), asked(now), OPENSSL)


def data(tmp_path: Path, *records: dict[str, Any], **more: Any) -> Standing:
    """Signed advisories, by default one about `leaky` before 2.0."""
    return standing(channel(tmp_path / "advisories", *records, **more))


def seed(where: Path) -> Path:
    """The seed as a signed folder, made when it was new and not yet expired."""
    created = datetime(2024, 10, 11, tzinfo=NOW.tzinfo)
    build(plan(SEED_DATA, sources=[SEED_SOURCE], created=created, expires=created + timedelta(days=3650)), where)
    CARA.sign(where)
    return where


def audited(demands: Sequence[Demand | Path], given: Any, *, vex: Vex | None = None, **more: Any) -> Report:
    read = [of_lock(one) if isinstance(one, Path) else one for one in demands]
    return audit(Job(demands=read, vex=vex or NoVex(), now=more.pop("now", NOW), **more), given)
