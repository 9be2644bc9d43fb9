"""The sbomqs-2.0 formula, own implementation: how good an SBOM is as a document, 0 to 10.

Categories, weights and features follow the specification of sbomqs 2.0 (its `SBOMQS-2.0-SPEC.md`, version 2.0.0);
the program itself is not run here, and its figures may differ where the text leaves room. Where it does:
- a signature counts only as a fact that somebody checked and handed over (`signed`), never for a field being there;
- `declared` licences count in `licenses` and in `evidence.licenses`, since CycloneDX 1.6 allows one expression in the
  former; `strict` says what the score is without that reading;
- features a format cannot carry are left out, and the weights of their category grow accordingly.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from packageurl import PackageURL

from sbom import licences, schema
from sbom.model import Refused
from sbom.spdx import problems
from sbom.view import Item, View, shaped, stated, walk

RESTRICTIVE = {"Copyleft", "Copyleft Limited"}  # AboutCode's categories, as the specification says
STRONG = {
    "SHA256",
    "SHA384",
    "SHA512",
    "SHA3256",
    "SHA3384",
    "SHA3512",
    "BLAKE2B256",
    "BLAKE2B384",
    "BLAKE2B512",
    "BLAKE3",
}
HASHES = STRONG | {"SHA1", "SHA224"}
DEPRECATED = frozenset(  # ids that the SPDX licence list has replaced, as the specification names them
    [
        "AGPL-1.0",
        "AGPL-3.0",
        "BSD-2-Clause-FreeBSD",
        "BSD-2-Clause-NetBSD",
        "bzip2-1.0.5",
        "eCos-2.0",
        "GFDL-1.1",
        "GFDL-1.2",
        "GFDL-1.3",
        "GPL-1.0",
        "GPL-1.0+",
        "GPL-2.0",
        "GPL-2.0+",
        "GPL-2.0-with-autoconf-exception",
        "GPL-2.0-with-bison-exception",
        "GPL-2.0-with-classpath-exception",
        "GPL-2.0-with-font-exception",
        "GPL-2.0-with-GCC-exception",
        "GPL-3.0",
        "GPL-3.0+",
        "GPL-3.0-with-autoconf-exception",
        "GPL-3.0-with-GCC-exception",
        "LGPL-2.0",
        "LGPL-2.0+",
        "LGPL-2.1",
        "LGPL-2.1+",
        "LGPL-3.0",
        "LGPL-3.0+",
        "Net-SNMP",
        "Nunit",
        "StandardML-NJ",
        "wxWindows",
    ]
)
_WORD = re.compile(r"[A-Za-z0-9.+-]+")
_CPE = re.compile(r"cpe:2\.3:[aho\*\-](:[^:]+){10}|cpe:/[aho]:.+")
_WEB = re.compile(r"(git\+)?(https?|ssh|git)://[^/\s]+/\S+")


class Feature(msgspec.Struct, frozen=True):
    """One line of the formula. `score` is None where the format cannot carry it."""

    category: str
    name: str
    weight: float
    score: float | None
    said: str


class Score(msgspec.Struct, frozen=True):
    """What came out. `strict` counts declared licences only where sbomqs looks first."""

    total: float
    strict: float
    grade: str
    signed: bool
    components: int
    categories: dict[str, float]
    features: tuple[Feature, ...]


WEIGHTS = {
    "Identification": 10,
    "Provenance": 12,
    "Integrity": 15,
    "Completeness": 12,
    "Licensing": 15,
    "Vulnerability": 10,
    "Structural": 8,
}


@shaped()
def score(document: View, *, signed: bool, schema_valid: bool | None = None) -> Score:
    """`signed`: a signature over this very document was verified. `schema_valid` may be given where it is known."""
    valid = _schema_valid(document) if schema_valid is None else schema_valid
    features = (
        *_identification(document),
        *_provenance(document),
        *_integrity(document, signed=signed),
        *_completeness(document),
        *_licensing(document),
        *_traceability(document),
        *_structural(document, valid=valid),
    )
    strictly = tuple(_strictly(one, document) for one in features)
    total = _total(features)
    return Score(
        total=round(total, 2),
        strict=round(_total(strictly), 2),
        grade=grade(total),
        signed=signed,
        components=len(document.items),
        categories={name: round(_category(features, name) or 0.0, 2) for name in WEIGHTS},
        features=features,
    )


def grade(total: float) -> str:
    return next(
        letter for letter, least in (("A", 9.0), ("B", 8.0), ("C", 7.0), ("D", 5.0), ("F", 0.0)) if total >= least
    )


def _total(features: Sequence[Feature]) -> float:
    found = {name: one for name in WEIGHTS if (one := _category(features, name)) is not None}
    weights = sum(WEIGHTS[name] for name in found)
    return sum(value * WEIGHTS[name] for name, value in found.items()) / weights


def _category(features: Sequence[Feature], name: str) -> float | None:
    mine = [(one.score, one.weight) for one in features if one.category == name and one.score is not None]
    weights = sum(weight for _, weight in mine)
    return sum(value * weight for value, weight in mine) / weights if weights else None


def _strictly(one: Feature, document: View) -> Feature:
    if one.name != "comp_with_declared_licenses" or document.format != "cyclonedx":
        return one
    everything = list(walk(document.raw.get("components") or []))
    plain = sum(bool(stated(each.get("licenses") or [], "declared")) for each in everything)
    return Feature(one.category, one.name, one.weight, 10 * plain / len(everything) if everything else 0.0, one.said)


def _share(category: str, name: str, weight: float, items: Sequence[Item], holds: Callable[[Item], bool]) -> Feature:
    """A feature of components: 10 times those that have it, by all."""
    having = sum(holds(one) for one in items)
    return Feature(category, name, weight, 10 * having / len(items) if items else 0.0, f"{having}/{len(items)}")


def _yes(category: str, name: str, weight: float, said: str) -> Feature:
    """A feature of the document: 10 when there is something to say."""
    return Feature(category, name, weight, 10.0 if said else 0.0, said or "missing")


def _identification(document: View) -> list[Feature]:
    refs = [one.ref for one in document.items]
    unique = {ref for ref in refs if ref and refs.count(ref) == 1} if len(refs) < 2000 else set(refs)
    group = "Identification"
    return [
        _share(group, "comp_with_name", 0.40, document.items, lambda one: bool(one.name.strip())),
        _share(group, "comp_with_version", 0.35, document.items, lambda one: bool(one.version.strip())),
        _share(group, "comp_with_identifiers", 0.25, document.items, lambda one: one.ref in unique),
    ]


def _provenance(document: View) -> list[Feature]:
    group = "Provenance"
    tool = next((f"{name} {version}" for name, version in document.tools if name and version), "")
    lifecycle = _yes(group, "sbom_lifecycle", 0.10, ", ".join(one for one in document.lifecycles if one))
    if document.format == "spdx":
        lifecycle = Feature(group, "sbom_lifecycle", 0.10, None, "SPDX 2 has no field for it")
    return [
        _yes(group, "sbom_creation_timestamp", 0.20, document.timestamp if _moment(document.timestamp) else ""),
        _yes(group, "sbom_authors", 0.20, ", ".join(one for one in document.authors if one)),
        _yes(group, "sbom_tool_version", 0.20, tool),
        _yes(group, "sbom_supplier", 0.15, document.supplier),
        _yes(group, "sbom_namespace", 0.15, document.namespace),
        lifecycle,
    ]


def _moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _integrity(document: View, *, signed: bool) -> list[Feature]:
    group = "Integrity"
    return [
        _share(group, "comp_with_checksums", 0.60, document.items, lambda one: bool(one.algorithms & HASHES)),
        _share(group, "comp_with_sha256", 0.30, document.items, lambda one: bool(one.algorithms & STRONG)),
        Feature(group, "sbom_signature", 0.10, 10.0 if signed else 0.0, "verified" if signed else "none verified"),
    ]


def _completeness(document: View) -> list[Feature]:
    group = "Completeness"
    said = _share(group, "comp_with_completeness", 0.15, document.items, lambda one: one.complete_said)
    if document.format == "spdx":
        said = Feature(group, said.name, said.weight, None, "SPDX 2 has no field for it")
    return [
        _share(group, "comp_with_dependencies", 0.25, document.items, lambda one: one.has_needs),
        said,
        _yes(group, "primary_component", 0.20, document.primary),
        _share(group, "comp_with_source_code", 0.15, document.items, lambda one: bool(_WEB.match(one.source))),
        _share(group, "comp_with_supplier", 0.15, document.items, lambda one: bool(one.supplier)),
        _share(group, "comp_with_purpose", 0.10, document.items, lambda one: bool(one.kind)),
    ]


def _licensing(document: View) -> list[Feature]:
    group = "Licensing"
    licensed = [one for one in document.items if one.licences]

    def spotless(one: Item) -> bool:
        return not any(word in DEPRECATED for text in one.licences for word in _WORD.findall(text))

    def free(one: Item) -> bool:
        return not any(licences.category(key) in RESTRICTIVE for text in one.licences for key in _keys(text))

    return [
        _share(group, "comp_with_licenses", 0.20, document.items, lambda one: bool(one.licences)),
        _share(group, "comp_with_valid_licenses", 0.20, document.items, _valid),
        _share(group, "comp_with_declared_licenses", 0.15, document.items, lambda one: bool(one.declared)),
        _yes(group, "sbom_data_license", 0.10, document.data_licence if licences.valid(document.data_licence) else ""),
        _share(group, "comp_no_deprecated_licenses", 0.15, licensed, spotless),
        _share(group, "comp_no_restrictive_licenses", 0.20, licensed, free),
    ]


def _valid(one: Item) -> bool:
    return bool(one.licences) and all(licences.valid(text) for text in one.licences)


def _keys(text: str) -> tuple[str, ...]:
    try:
        return licences.keys(text)
    except Refused:
        return ()


def _traceability(document: View) -> list[Feature]:
    group = "Vulnerability"
    return [
        _share(group, "comp_with_purl", 0.50, document.items, lambda one: _purl(one.purl)),
        _share(group, "comp_with_cpe", 0.50, document.items, lambda one: bool(_CPE.fullmatch(one.cpe))),
    ]


def _purl(text: str) -> bool:
    try:
        return bool(PackageURL.from_string(text).name)
    except ValueError:
        return False


def _structural(document: View, *, valid: bool) -> list[Feature]:
    group = "Structural"
    known = {"cyclonedx": ("1.4", "1.5", "1.6", "1.7"), "spdx": ("2.2", "2.3")}[document.format]
    return [
        _yes(group, "sbom_spec_declared", 0.30, document.format),
        _yes(group, "sbom_spec_version", 0.30, document.version if document.version in known else ""),
        _yes(group, "sbom_file_format", 0.20, "JSON"),
        _yes(group, "sbom_schema_valid", 0.20, "valid" if valid else ""),
    ]


def _schema_valid(document: View) -> bool:
    if document.format == "spdx":
        return not problems(document.raw)
    return not schema.problem(msgspec.json.encode(document.raw).decode(), document.version)
