"""Any SBOM, ours or another's, as the few facts that are scored: CycloneDX JSON and SPDX 2.x JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from sbom.model import Refused

Json = dict[str, Any]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One component."""

    ref: str
    name: str
    version: str
    kind: str  # CycloneDX type, SPDX primary purpose
    purl: str
    cpe: str
    algorithms: frozenset[str]  # upper case, without `-`: `SHA256`
    supplier: str
    source: str
    licences: tuple[str, ...]  # concluded, or stated without a word about it
    declared: tuple[str, ...]
    has_needs: bool  # an entry in the graph, be it an empty one
    complete_said: bool


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One document."""

    format: str  # `cyclonedx`, `spdx`
    version: str
    timestamp: str
    authors: tuple[str, ...]
    tools: tuple[tuple[str, str], ...]  # name, version
    supplier: str
    namespace: str
    lifecycles: tuple[str, ...]
    data_licence: str
    primary: str
    items: tuple[Item, ...]
    raw: Json

    @property
    def title(self) -> str:
        return f"{self.format} {self.version}"


def read(path: Path) -> View:
    """Raises Refused for what is neither CycloneDX nor SPDX 2 JSON."""
    try:
        return view(path.read_bytes(), path.name)
    except OSError as error:
        raise Refused(f"`{path}` cannot be read: {error.strerror}") from error


def view(data: bytes, name: str = "document") -> View:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"`{name}` is no JSON: {error}") from error
    with shaped(f"`{name}`"):
        if isinstance(document, dict) and document.get("bomFormat") == "CycloneDX":
            return _cyclonedx(document)
        if isinstance(document, dict) and str(document.get("spdxVersion", "")).startswith("SPDX-2"):
            return _spdx(document)
    raise Refused(f"`{name}` is neither a CycloneDX nor an SPDX 2 document in JSON")


@contextmanager
def shaped(name: str = "the document") -> Iterator[None]:
    """A foreign document may hold anything anywhere: where its shape leads astray, that is what is said."""
    try:
        yield
    except (AttributeError, TypeError, KeyError, ValueError, IndexError, RecursionError) as error:
        raise Refused(f"{name} has a part of a wrong shape: {error}") from error


def walk(components: list[Json]) -> Iterator[Json]:
    """Components and those nested in them."""
    for one in components:
        yield one
        yield from walk(one.get("components") or [])


def stated(choices: list[Json], *acknowledged: str) -> tuple[str, ...]:
    """Licence texts of a CycloneDX `licenses` list with one of these acknowledgements (`` for none)."""
    found = []
    for one in choices:
        inner = one.get("license") or {}
        word = one.get("acknowledgement") or inner.get("acknowledgement") or ""
        if word in acknowledged:
            found.append(str(one.get("expression") or inner.get("id") or inner.get("name") or ""))
    return tuple(one for one in found if one)


def party(entity: Json | None) -> str:
    """An address, a link or a name; whatever says who."""
    if not entity:
        return ""
    contact = [str(one.get("email") or one.get("name") or "") for one in entity.get("contact") or []]
    return next((one for one in [*contact, *(entity.get("url") or []), entity.get("name", "")] if one), "")


def _cyclonedx(document: Json) -> View:
    metadata: Json = document.get("metadata") or {}
    needs = {one.get("ref") for one in document.get("dependencies") or []}
    said = {
        ref
        for one in document.get("compositions") or []
        if one.get("aggregate") not in {None, "not_specified"}
        for ref in [*(one.get("assemblies") or []), *(one.get("dependencies") or [])]
    }
    serial = str(document.get("serialNumber") or "")
    return View(
        format="cyclonedx",
        version=str(document.get("specVersion") or ""),
        timestamp=str(metadata.get("timestamp") or ""),
        authors=tuple(str(one.get("name") or one.get("email") or "") for one in metadata.get("authors") or []),
        tools=_tools(metadata.get("tools")),
        supplier=party(metadata.get("supplier")) or party(metadata.get("manufacturer") or metadata.get("manufacture")),
        namespace=f"{serial}/{document.get('version', 1)}" if serial else "",
        lifecycles=tuple(str(one.get("phase") or one.get("name") or "") for one in metadata.get("lifecycles") or []),
        data_licence=next(iter(stated(metadata.get("licenses") or [], "", "concluded", "declared")), ""),
        primary=str((metadata.get("component") or {}).get("name") or ""),
        items=tuple(_item(one, needs, said) for one in walk(document.get("components") or [])),
        raw=document,
    )


def _tools(told: Any) -> tuple[tuple[str, str], ...]:
    listed = (told.get("components") or []) + (told.get("services") or []) if isinstance(told, dict) else told or []
    return tuple((str(one.get("name") or ""), str(one.get("version") or "")) for one in listed)


def _item(one: Json, needs: set[Any], said: set[Any]) -> Item:
    links = {str(each.get("type")): str(each.get("url") or "") for each in one.get("externalReferences") or []}
    choices, evidence = one.get("licenses") or [], (one.get("evidence") or {}).get("licenses") or []
    ref = str(one.get("bom-ref") or "")
    return Item(
        ref=ref,
        name=str(one.get("name") or ""),
        version=str(one.get("version") or ""),
        kind=str(one.get("type") or ""),
        purl=str(one.get("purl") or ""),
        cpe=str(one.get("cpe") or ""),
        algorithms=frozenset(str(each.get("alg")).upper().replace("-", "") for each in one.get("hashes") or []),
        supplier=party(one.get("supplier")) or party(one.get("manufacturer")) or str(one.get("publisher") or ""),
        source=links.get("vcs") or links.get("source-distribution") or "",
        licences=stated(choices, "", "concluded", "declared"),
        declared=stated([*choices, *evidence], "declared"),
        has_needs=bool(ref) and ref in needs,
        complete_said=bool(ref) and ref in said,
    )


def _spdx(document: Json) -> View:
    info: Json = document.get("creationInfo") or {}
    creators = [str(one) for one in info.get("creators") or []]
    relations = document.get("relationships") or []
    related = {one.get("spdxElementId") for one in relations} | {one.get("relatedSpdxElement") for one in relations}
    described = [*(document.get("documentDescribes") or [])]
    described += [one.get("relatedSpdxElement") for one in relations if one.get("relationshipType") == "DESCRIBES"]
    packages = document.get("packages") or []
    names = {one.get("SPDXID"): one.get("name") for one in packages}
    parts = [one.rpartition("-") for one in (each.removeprefix("Tool: ") for each in creators if "Tool:" in each)]
    return View(
        format="spdx",
        version=str(document.get("spdxVersion", "")).removeprefix("SPDX-"),
        timestamp=str(info.get("created") or ""),
        authors=tuple(one.split(":", 1)[1].strip() for one in creators if one.startswith(("Person:", "Organization:"))),
        tools=tuple((name, version) for name, _, version in parts),
        supplier=next((one for each in packages if (one := _named(each.get("supplier")))), ""),
        namespace=str(document.get("documentNamespace") or ""),
        lifecycles=(),
        data_licence=str(document.get("dataLicense") or ""),
        primary=str(names.get(described[0], "")) if described else "",
        items=tuple(_package(one, related) for one in packages if one.get("SPDXID") not in described),
        raw=document,
    )


def _named(value: Any) -> str:
    text = str(value or "")
    return "" if text in {"NONE", "NOASSERTION"} else text.partition(":")[2].strip()


def _package(one: Json, related: set[Any]) -> Item:
    outer = {
        str(each.get("referenceType")): str(each.get("referenceLocator")) for each in one.get("externalRefs") or []
    }
    concluded, declared = (
        tuple(text for text in [str(one.get(key) or "")] if text not in {"", "NONE", "NOASSERTION"})
        for key in ("licenseConcluded", "licenseDeclared")
    )
    checksums = [str(each.get("algorithm")) for each in one.get("checksums") or []]
    return Item(
        ref=str(one.get("SPDXID") or ""),
        name=str(one.get("name") or ""),
        version=str(one.get("versionInfo") or ""),
        kind=str(one.get("primaryPackagePurpose") or ""),
        purl=outer.get("purl", ""),
        cpe=outer.get("cpe23Type") or outer.get("cpe22Type") or "",
        algorithms=frozenset(checksums),
        supplier=_named(one.get("supplier")) or _named(one.get("originator")),
        source=str(one.get("sourceInfo") or ""),
        licences=concluded,
        declared=declared,
        has_needs=one.get("SPDXID") in related,
        complete_said=False,
    )
