"""What a bundle is made of, told by `sbom` about the very files that lie in it. See build.Describe."""

import json
from pathlib import Path

from offline.build import Describe, Draft
from offline.failure import Failure
from offline.members import LARGEST_META
from offline.rules.manifest import Model
from offline.rules.release import SBOM
from offline.rules.tree import digest, read_small
from sbom import mlbom
from sbom.model import Party, Product, Refused, Target
from sbom.write import write

LICENCE = "Apache-2.0"


def describe(previous: Path | None, maker: tuple[str, str] | None = None) -> Describe:
    """Writes `sbom/` and `licences/`. `maker`: name and mail; else who committed. `previous`: the bundle before."""

    def written(draft: Draft) -> None:
        name, mail = maker or draft.source.maker
        product = Product(
            name=draft.header.product,
            version=draft.header.version,
            machine=draft.header.arch,
            licence=LICENCE,
            party=Party(name=name, email=mail),
            tool_version=draft.header.version,
        )
        wheels = {
            Target(kind, python, draft.header.arch): [draft.folder / "wheels" / file for file in files]
            for (kind, python), files in draft.environments.items()
        }
        try:
            write(
                draft.folder,
                wheels,
                product,
                previous=None if previous is None else previous / SBOM,
                epoch=int(draft.header.created.timestamp()),
                models=[_model(draft.folder, one) for one in draft.models],
            )
        except Refused as error:
            raise Failure(f"the list of parts cannot be written: {error}") from error

    return written


def _model(folder: Path, model: Model) -> mlbom.Model:
    """What the ML-BOM says of a model: measured from its file, the rest told by the `model.json` beside it."""
    file = folder / model.file
    try:
        told = json.loads(read_small(file.with_name("model.json"), LARGEST_META))
        return mlbom.Model(
            name=model.name,
            version=model.version,
            task=told["task"],
            architecture=told["architecture"],
            party=Party(**told["party"]),
            licence=model.licence,
            files=(mlbom.ModelFile(model.file, file.stat().st_size, model.sha256, digest(file, "sha512")),),
            datasets=tuple(mlbom.Dataset(**one) for one in told["datasets"]),
            limits=tuple(told["limits"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(
            f"`{model.file}`: its model.json must tell task, architecture, party, datasets, limits"
        ) from error
