"""Required fields of BSI TR-03183-2 v2.1.0 in a CycloneDX document: each is met or is a gap, for each component.

Fields and their places follow section 5.2 and the mapping of appendix 8.2. Which set a component must carry depends on
what it is (section 3.2): described in full; `logical` (the product as a whole: no file, so neither hash nor file
properties); `identified` (outside the delivery: creator, name, version, identifiers); `part` (linked into a file so
that it is none of its own: fields that the assembly makes unavailable are omitted). A document says so with a property,
`redoubt:bsi:kind`, of ours; a component without it is held to the full set.
"""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sbom import licences
from sbom.view import View, shaped, walk

Json = dict[str, Any]
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")
_SHA512 = re.compile(r"[0-9a-fA-F]{128}")
_VALUES = {
    "executable": {"executable", "non-executable"},
    "archive": {"archive", "no archive"},
    "structured": {"structured", "unstructured"},
}
_FILE_FIELDS = ("filename", "hash", *_VALUES)
_WITHOUT = {
    "logical": {*_FILE_FIELDS},
    "part": {*_FILE_FIELDS},
    "identified": {*_FILE_FIELDS, "licence", "dependencies"},
}


class Gap(msgspec.Struct, frozen=True, order=True):
    """A required field that is missing or has a wrong value."""

    component: str  # `` for the document
    field: str
    said: str


class Conformance(msgspec.Struct, frozen=True):
    """How many of the required fields are there."""

    asked: int
    met: int
    gaps: tuple[Gap, ...]

    @property
    def percent(self) -> float:
        """Rounded down: 100 means all."""
        return int(1000 * self.met / self.asked) / 10 if self.asked else 0.0


@shaped()
def check(document: View) -> Conformance:
    """Every required field of every component. SPDX before 3.0.1 is not allowed by section 4, whatever it holds."""
    if document.format != "cyclonedx":
        return Conformance(1, 0, (Gap("", "format", f"{document.title}; CycloneDX 1.6 or SPDX 3.0.1 is asked for"),))
    raw = document.raw
    metadata: Json = raw.get("metadata") or {}
    primary = metadata.get("component")
    everything = [*([primary] if primary else []), *walk(raw.get("components") or [])]
    results: list[tuple[str, str, str]] = list(_document(document, metadata))
    results += [("", "primary component", "" if primary else "none")]
    graph, complete = _graph(raw)
    refs = {one.get("bom-ref") for one in everything}
    for one in everything:
        name = f"{one.get('name') or ''} {one.get('version') or ''}".strip()
        left_out = _WITHOUT.get(_property(one, "redoubt:bsi:kind"), set())
        for field, said in _component(one, graph, complete, refs):
            if field not in left_out:
                results.append((name, field, said))
    gaps = tuple(sorted(Gap(name, field, said) for name, field, said in results if said))
    return Conformance(len(results), len(results) - len(gaps), gaps)


def _document(document: View, metadata: Json) -> list[tuple[str, str, str]]:
    numbers = [int(part) for part in document.version.split(".") if part.isdigit()]
    maker = metadata.get("manufacturer") or metadata.get("manufacture")
    vulnerable = document.raw.get("vulnerabilities")
    return [
        ("", "format", "" if numbers >= [1, 6] else f"CycloneDX {document.version}; 1.6 or later is asked for"),
        ("", "creator of the SBOM", "" if _reachable(maker) else "metadata.manufacturer has no e-mail address or URL"),
        ("", "timestamp", "" if _moment(document.timestamp) else f"`{document.timestamp}` is no date-time"),
        ("", "no vulnerability information", "section 3.1: found `vulnerabilities`" if vulnerable else ""),
    ]


def _component(one: Json, graph: dict[str, list[str]], complete: set[str], refs: set[Any]) -> list[tuple[str, str]]:
    ref = str(one.get("bom-ref") or "")
    digests = [
        str(each.get("content"))
        for place in one.get("externalReferences") or []
        if place.get("type") == "distribution"
        for each in place.get("hashes") or []
        if each.get("alg") == "SHA-512"
    ]
    return [
        ("creator", "" if _reachable(one.get("manufacturer")) else "manufacturer has no e-mail address or URL"),
        ("name", "" if str(one.get("name") or "").strip() else "empty"),
        ("version", "" if str(one.get("version") or "").strip() else "empty"),
        ("filename", _filename(_property(one, "bsi:component:filename"))),
        ("dependencies", _needs(ref, graph, complete, refs)),
        ("licence", _licence(one)),
        (
            "hash",
            "" if any(_SHA512.fullmatch(each) for each in digests) else "no SHA-512 at a `distribution` reference",
        ),
        *(
            (name, "" if (value := _property(one, f"bsi:component:{name}")) in allowed else f"`{value}`")
            for name, allowed in _VALUES.items()
        ),
    ]


def _reachable(entity: Any) -> bool:
    """An address, or else a link (5.2.1, 5.2.2); a name alone does not do."""
    if not isinstance(entity, dict):
        return False
    addresses = [str(one.get("email") or "") for one in entity.get("contact") or []]
    links = [urlsplit(str(one)) for one in entity.get("url") or []]
    return any(_ADDRESS.fullmatch(one) for one in addresses) or any(one.scheme and one.netloc for one in links)


def _moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _filename(value: str) -> str:
    return "" if value and "/" not in value and "\\" not in value else f"`{value}`"


def _licence(one: Json) -> str:
    """One valid expression, said to be concluded (8.2: `licenses[].expression`, `acknowledgement: concluded`)."""
    told = [each for each in one.get("licenses") or [] if each.get("acknowledgement") == "concluded"]
    expressions = [str(each.get("expression") or "") for each in told]
    if not expressions:
        return "no expression with acknowledgement `concluded`"
    wrong = [each for each in expressions if not licences.valid(each)]
    return f"`{wrong[0]}` is no SPDX expression" if wrong else ""


def _needs(ref: str, graph: dict[str, list[str]], complete: set[str], refs: set[Any]) -> str:
    if ref not in graph:
        return "no entry in `dependencies`"
    if ref not in complete:
        return "no composition says how complete its dependencies are"
    dangling = [one for one in graph[ref] if one not in refs]
    return f"depends on `{dangling[0]}`, which is not in the document" if dangling else ""


def _graph(raw: Json) -> tuple[dict[str, list[str]], set[str]]:
    graph = {str(one.get("ref")): list(one.get("dependsOn") or []) for one in raw.get("dependencies") or []}
    said = {
        str(ref)
        for one in raw.get("compositions") or []
        if one.get("aggregate") in {"complete", "incomplete", "unknown"}
        for ref in [*(one.get("assemblies") or []), *(one.get("dependencies") or [])]
    }
    return graph, said


def _property(one: Json, name: str) -> str:
    return next((str(each.get("value")) for each in one.get("properties") or [] if each.get("name") == name), "")
