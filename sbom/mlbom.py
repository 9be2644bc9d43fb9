"""ML-BOM: CycloneDX 1.6 `machine-learning-model` components with a model card, for models given as plain values."""

from collections.abc import Sequence

import msgspec

from sbom import cyclonedx, licences
from sbom.cyclonedx import Json
from sbom.model import Party, Product, Refused


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """What a model learned from. An unknown origin is said to be unknown."""

    name: str
    licence: str = ""  # SPDX, when known
    url: str = ""
    note: str = ""


class ModelFile(msgspec.Struct, frozen=True, order=True):
    """One file of a model, hashed."""

    path: str
    size: int
    sha256: str
    sha512: str


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the bundle."""

    name: str
    version: str
    task: str  # `token-classification`
    architecture: str
    party: Party
    licence: str
    files: tuple[ModelFile, ...]
    datasets: tuple[Dataset, ...]
    limits: tuple[str, ...]
    purl: str = ""
    uses: tuple[str, ...] = ()


def document(models: Sequence[Model], product: Product, epoch: int) -> bytes:
    """Raises Refused for a model without files, with no word on its data, or with an unknown licence."""
    listed = [_component(one) for one in sorted(models, key=lambda one: (one.name, one.version))]
    ref = cyclonedx.primary_ref(product)
    refs = [str(one["bom-ref"]) for one in listed]
    body: Json = {
        "bomFormat": "CycloneDX",
        "specVersion": cyclonedx.SPEC,
        "version": 1,
        "metadata": {
            **cyclonedx.metadata(product, epoch),
            "component": {"type": "application", "bom-ref": ref, "name": product.name, "version": product.version},
        },
        "components": listed,
        "dependencies": [{"ref": ref, "dependsOn": refs}, *({"ref": one, "dependsOn": []} for one in refs)],
        "compositions": [{"aggregate": "complete", "assemblies": [ref, *refs], "dependencies": [ref, *refs]}],
        "properties": cyclonedx.properties(
            [("redoubt:models", str(len(listed)) if listed else "none: this bundle carries no model")]
        ),
    }
    return cyclonedx.render(body)


def _component(one: Model) -> Json:
    if not one.files or not one.datasets:
        raise Refused(
            f"model `{one.name}` {one.version} names no {'data' if one.files else 'file'}; say what it is made of"
        )
    ref = one.purl or f"pkg:generic/{one.name}@{one.version}"
    expression = licences.normal(one.licence)
    return {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": one.name,
        "version": one.version,
        "purl": ref,
        "manufacturer": cyclonedx.entity(one.party),
        "supplier": cyclonedx.entity(one.party),
        **cyclonedx.licences(expression, expression),
        "modelCard": {
            "bom-ref": f"{ref}#card",
            "modelParameters": {
                "task": one.task,
                "modelArchitecture": one.architecture,
                "datasets": [_dataset(each, f"{ref}#data-{at}") for at, each in enumerate(one.datasets)],
            },
            "considerations": {
                "technicalLimitations": list(one.limits) or ["none stated by the maker"],
                **({"useCases": list(one.uses)} if one.uses else {}),
            },
        },
        "components": [
            {
                "type": "file",
                "bom-ref": f"{ref}#{each.path}",
                "name": each.path,
                "hashes": [{"alg": "SHA-256", "content": each.sha256}, {"alg": "SHA-512", "content": each.sha512}],
                "properties": cyclonedx.properties([("redoubt:size", str(each.size))]),
            }
            for each in sorted(one.files)
        ],
    }


def _dataset(one: Dataset, ref: str) -> Json:
    told = f"licence: {one.licence or 'unknown'}" + (f"; {one.note}" if one.note else "")
    contents = {"contents": {"url": one.url}} if one.url else {}
    return {"bom-ref": ref, "type": "dataset", "name": one.name, "description": told, **contents}
