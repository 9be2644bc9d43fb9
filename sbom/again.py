"""An SBOM made once more, from the wheels it names: what anyone can do who does not want to believe it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sbom import debian
from sbom.collect import Tables, collect
from sbom.model import Inventory, Party, Product, Refused, Target
from sbom.view import View

Json = dict[str, Any]


def epoch(document: View) -> int:
    """Seconds since 1970 of the document's own timestamp. Raises Refused."""
    try:
        return int(datetime.fromisoformat(document.timestamp).timestamp())
    except ValueError as error:
        raise Refused(f"the SBOM's timestamp `{document.timestamp}` is no moment") from error


def inventory(document: View, wheels: Path, tables: Tables) -> Inventory:
    """Collect the wheels a document of ours names, and the image's root beside them where one travels. Raises Refused
    when one is missing, or the document is not ours.
    """
    product = _product(document)
    root = debian.read(wheels.parent / "image", product, tables.policy)
    return collect(_places(document, wheels), product, tables, root.natives)


def _places(document: View, wheels: Path) -> Mapping[Target, list[Path]]:
    found: dict[Target, list[Path]] = {}
    for one in document.raw.get("components") or []:
        pairs = [(str(each.get("name")), str(each.get("value"))) for each in one.get("properties") or []]
        file = dict(pairs).get("bsi:component:filename", "")
        for name, value in pairs:
            if name != "redoubt:target":
                continue
            if "/" in file or not (wheels / file).is_file():
                raise Refused(f"`{wheels}` lacks `{file}`, which the SBOM names")
            found.setdefault(_target(value), []).append(wheels / file)
    if not found:
        raise Refused("the SBOM names no wheel of ours (`redoubt:target`); give the one of a bundle")
    return found


def _target(text: str) -> Target:
    """`serve-cp311-x86_64`."""
    try:
        environment, python, machine = text.split("-", 2)
        return Target(environment, f"{python[2:3]}.{int(python[3:])}", machine)
    except ValueError as error:
        raise Refused(f"the SBOM names an environment `{text}` that cannot be read") from error


def _product(document: View) -> Product:
    try:
        metadata: Json = document.raw["metadata"]
        primary: Json = metadata["component"]
        return Product(
            name=primary["name"],
            version=primary["version"],
            machine=next(one["value"] for one in primary["properties"] if one["name"] == "redoubt:machine"),
            licence=primary["licenses"][0]["expression"],
            party=_party(metadata["manufacturer"]),
            tool_version=metadata["tools"]["components"][0]["version"],
            authors=tuple(Party(one["name"], one.get("email", "")) for one in metadata["authors"]),
        )
    except (KeyError, IndexError, StopIteration, TypeError) as error:
        raise Refused(f"the SBOM does not say what it is about ({error}); give the one of a bundle") from error


def _party(entity: Json) -> Party:
    contact: Json = next(iter(entity.get("contact") or []), {})
    return Party(entity["name"], contact.get("email", ""), next(iter(entity.get("url") or []), ""))
