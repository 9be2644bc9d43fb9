"""The reviewer's page of a bundle that is at hand."""

import datetime as dt
import hashlib
from pathlib import Path


def page(file: Path, bundle: Path, before: Path | None) -> bytes:
    """The page, made from the bundle's wheels. Raises sbom's Refused when its SBOM does not come out the same."""
    from sbom import again, bsi, cyclonedx, diff, report, score, vex, view
    from sbom.collect import Tables
    from sbom.model import Refused

    data, tables = file.read_bytes(), Tables()
    document = view.view(data, file.name)
    epoch = again.epoch(document)
    inventory = again.inventory(document, bundle / "wheels", tables)
    if cyclonedx.document(inventory, epoch) != data:
        raise Refused(f"`{file}` is not what its wheels give; it was changed, or made by another version")
    old = view.read(before) if before else None
    facts = report.Facts(
        sbom_sha256=hashlib.sha256(data).hexdigest(),
        serial=str(document.raw["serialNumber"]),
        epoch=epoch,
        score=score.score(document, signed=False, schema_valid=True),
        signed_score=score.score(document, signed=True, schema_valid=True),
        bsi=bsi.check(document),
        diff=diff.compare(old, document) if old else None,
        before=f"{old.primary} of {old.timestamp}" if old else "",
        vex=vex.load(today=dt.datetime.fromtimestamp(epoch, dt.UTC).date()),
        policy=tables.policy,
        texts=sum(path.is_file() for path in (bundle / "licences").rglob("*")),
        models=sum(path.is_dir() for path in (bundle / "models").glob("*")) if (bundle / "models").is_dir() else 0,
    )
    return report.page(inventory, facts)
