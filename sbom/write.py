"""What a bundle says about itself, written into its folder: all of it, or nothing that could be shipped."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from sbom import bsi, cyclonedx, debian, diff, licences, mlbom, report, score, spdx, view
from sbom import vex as vex_
from sbom.collect import Tables, collect
from sbom.debian import ImageRoot
from sbom.mlbom import Model
from sbom.model import Inventory, Product, Refused, Target

LONGEST = 200  # bytes of a path, decision 0009


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, for the manifest and for a person."""

    digests: dict[str, str]  # path below the folder -> sha256
    wheels: int
    packages: int
    natives: int
    native_files: int
    texts: int
    models: int
    score: float
    signed_score: float
    bsi_percent: float


def write(
    folder: Path,
    wheels: Mapping[Target, Sequence[Path]],
    product: Product,
    *,
    previous: Path | None,
    epoch: int,
    models: Sequence[Model] = (),
    tables: Tables | None = None,
) -> Written:
    """Write `sbom/` and `licences/` below `folder`, about an image's root in it too. Raises Refused for an unknown or
    forbidden licence, one without text, unaccounted native code, a RECORD that lies, an expired VEX entry, or a
    document that is not valid.
    """
    told = tables or Tables()
    before = view.read(previous) if previous else None
    root = debian.read(folder / "image", product, told.policy)
    inventory = collect(wheels, product, told, root.natives)
    sbom = cyclonedx.document(inventory, epoch)
    judged = vex_.load(today=dt.datetime.fromtimestamp(epoch, dt.UTC).date())
    serial = json.loads(sbom)["serialNumber"]
    texts = _texts(inventory, told, root)
    here = view.view(sbom)
    facts = report.Facts(
        sbom_sha256=hashlib.sha256(sbom).hexdigest(),
        serial=serial,
        epoch=epoch,
        score=score.score(here, signed=False, schema_valid=True),
        signed_score=score.score(here, signed=True, schema_valid=True),
        bsi=bsi.check(here),
        diff=diff.compare(before, here) if before else None,
        before=f"{before.primary} of {before.timestamp}" if before else "",
        vex=judged,
        policy=told.policy,
        texts=len(texts),
        models=len(models),
    )
    if facts.bsi.gaps:
        gap = facts.bsi.gaps[0]
        raise Refused(f"BSI TR-03183-2: `{gap.component}` lacks {gap.field} ({gap.said}); {len(facts.bsi.gaps)} in all")
    files = {
        "sbom/redoubt.cdx.json": sbom,
        "sbom/redoubt.spdx.json": spdx.document(inventory, epoch),
        "sbom/mlbom.cdx.json": mlbom.document(models, product, epoch),
        "sbom/vex.cdx.json": vex_.document(judged, inventory, serial, epoch),
        "sbom/report.html": report.page(inventory, facts),
        **texts,
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return _written(inventory, facts, files)


def _written(inventory: Inventory, facts: report.Facts, files: Mapping[str, bytes]) -> Written:
    return Written(
        digests={path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())},
        wheels=len(inventory.components),
        packages=len({one.wheel.name for one in inventory.components}),
        natives=len(inventory.natives),
        native_files=sum(len(one.wheel.natives) for one in inventory.components),
        texts=facts.texts,
        models=facts.models,
        score=facts.score.total,
        signed_score=facts.signed_score.total,
        bsi_percent=facts.bsi.percent,
    )


def _texts(inventory: Inventory, told: Tables, root: ImageRoot) -> dict[str, bytes]:
    """`licences/<name>-<version>/<file>` -> text, for every wheel and every library inside one. Raises Refused."""
    found: dict[str, bytes] = dict(root.texts)
    for one in inventory.components:
        folder = licences.folder(one.wheel.name, one.wheel.version)
        for name, text in licences.texts_of(one.wheel, one.licence, told.reading).items():
            _place(found, f"{folder}/{name}", text, one.wheel.file)
    for native in inventory.natives:
        # A copy of Python code brings its texts in the wheel that holds it, below that wheel's own.
        held = f"_vendor/{native.name.replace('-', '_')}/"
        if native in root.natives or native.text or any(held in path for path in found):
            continue
        for name, text in licences.texts_of_native(native, told.policy).items():
            found.setdefault(f"{licences.folder(native.name, native.version)}/{name}", text)
    if long := [path for path in found if len(path) > LONGEST]:
        raise Refused(f"`{long[0]}` is too long a path for a bundle, which allows {LONGEST} bytes")
    return dict(sorted(found.items()))


def _place(found: dict[str, bytes], path: str, text: bytes, wheel: str) -> None:
    """Wheels of one version for several Pythons ship the same texts; where one differs, it is kept beside the other."""
    if found.setdefault(path, text) != text:
        found[f"{path}.{hashlib.sha256(wheel.encode()).hexdigest()[:8]}"] = text
