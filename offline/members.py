"""What a manifest says of the things a bundle holds, measured from the files themselves."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from offline.failure import Failure
from offline.rules.manifest import Advisories, Environment, Model, WheelEntry
from offline.rules.names import check_path
from offline.rules.openssl import OpenSSL
from offline.rules.release import KINDS
from offline.rules.tree import digest, read_small
from offline.rules.trust import Trust
from offline.rules.verify import Asked, verify
from offline.rules.wheel import read_wheel

LARGEST_META = 64 * 1024  # bytes
_NOTICE = re.compile(r"[^/]+\.dist-info/licenses/(?P<file>[A-Za-z0-9_]+\.(md|txt))")
NO_ADVISORIES = Advisories(seq=0, max_modified="", sha256="")


def entry(file: Path) -> WheelEntry:
    """A wheel, read to its last byte. Raises Refused when it is not what it says."""
    read = read_wheel(file)
    return WheelEntry(
        file=read.file,
        name=read.name,
        version=read.version,
        sha256=read.sha256,
        sha512=digest(file, "sha512"),
        size=read.size,
        native=bool(read.native),
        record=read.record,
    )


def environments(pythons: Iterable[str]) -> tuple[Environment, ...]:
    """`serve` and `tools` for each. `pythons`: `3.11`."""
    tags = [f"cp{python.replace('.', '')}" for python in pythons]
    return tuple(
        Environment(kind=kind, python=tag, lock=f"locks/{kind}-{tag}.txt") for tag in sorted(tags) for kind in KINDS
    )


def carried_advisories(folder: Path | None, into: Path, trust: Trust) -> Advisories:
    """Copy a signed folder of advisories in. Raises Refused unless those this trust names signed it."""
    if folder is None:
        return NO_ADVISORIES
    now = datetime.now(UTC)
    # how old they are is judged where they are used
    asked = Asked(channel="advisories", arch="any", now=now, known=now, accept_expired=True, accept_clock=True)
    verified = verify(folder, trust, asked, OpenSSL())
    shutil.copytree(folder, into)
    try:
        modified = json.loads(read_small(folder / "meta.json", LARGEST_META))["max_modified"]
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"`{folder / 'meta.json'}` does not say how new the newest advisory is") from error
    return Advisories(seq=verified.sums.header.seq, max_modified=str(modified), sha256=verified.sha256)


def carried_models(folder: Path | None, into: Path) -> tuple[Model, ...]:
    """Copy the models that `folder` holds, each `<name>/<version>/` with a `model.json` about one file beside it."""
    if folder is None or not folder.is_dir():
        return ()
    return tuple(_model(one.parent, into) for one in sorted(folder.glob("*/*/model.json")))


def _model(place: Path, into: Path) -> Model:
    where = f"{place.parent.name}/{place.name}"
    try:
        told = json.loads(read_small(place / "model.json", LARGEST_META))
        file, licence, named = str(told["file"]), str(told["licence"]), told.get("sha256")
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"`models/{where}/model.json` must name a `file` and its `licence`") from error
    target = into / place.parent.name / place.name
    target.mkdir(parents=True)
    shutil.copyfile(place / check_path(file), target / file)
    shutil.copyfile(place / "model.json", target / "model.json")
    if named not in {None, digest(target / file)}:
        raise Failure(f"`models/{where}/{file}` is not the file that its model.json names; fetch or train it again")
    _copy_notices(target / file, target)
    return Model(
        name=place.parent.name,
        version=place.name,
        file=f"models/{where}/{file}",
        sha256=digest(target / file),
        licence=licence,
    )


def _copy_notices(file: Path, into: Path) -> None:
    """The licence and the attribution that a wheel carries lie beside it too, for whoever does not unpack it."""
    if file.suffix != ".whl":
        return
    read_wheel(file)
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if (found := _NOTICE.fullmatch(name)) is not None:
                (into / found["file"]).write_bytes(archive.read(name))
