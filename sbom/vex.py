"""VEX: which known vulnerability matters here, and which does not. Every entry has a reason, an author and an end."""

import datetime as dt
import tomllib
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from sbom import cyclonedx
from sbom.cyclonedx import Json
from sbom.model import Inventory, Refused

HERE = Path(__file__).parent
State = Literal["not_affected", "affected", "fixed", "under_investigation"]
Justification = Literal[  # CISA, Vulnerability Exploitability eXchange status justifications, June 2022
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
]
LONGEST = dt.timedelta(days=366)
_STATES = {
    "not_affected": "not_affected",
    "affected": "exploitable",
    "fixed": "resolved",
    "under_investigation": "in_triage",
}
_WORDS = {  # CISA's word -> CycloneDX 1.6 vulnerabilities[].analysis.justification; the word is kept beside it
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}


class Judgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry."""

    id: str
    package: str
    versions: str
    state: State
    detail: str
    author: str
    created: dt.date
    expires: dt.date  # the last day it holds
    aliases: tuple[str, ...] = ()
    justification: Justification | None = None

    def about(self, package: str, version: str) -> bool:
        """Whether it speaks of this package at this version. A version that cannot be read is never excused."""
        try:
            return canonicalize_name(self.package) == canonicalize_name(package) and SpecifierSet(
                self.versions
            ).contains(Version(version), prereleases=True)
        except InvalidVersion:
            return False


class Vex(msgspec.Struct, frozen=True):
    """What holds on a day, and what held before."""

    entries: tuple[Judgement, ...] = ()
    expired: tuple[Judgement, ...] = ()

    def covering(self, ids: frozenset[str], package: str, version: str) -> Judgement | None:
        """The entry that excuses a finding known under `ids`: not_affected or fixed, about that package and version."""
        for one in self.entries:
            if one.state in {"not_affected", "fixed"} and ids & {one.id, *one.aliases} and one.about(package, version):
                return one
        return None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entry: tuple[Judgement, ...] = ()


def load(path: Path = HERE / "vex.toml", *, today: dt.date) -> Vex:
    """Read the entries. Raises Refused for one without reason, author or expiry; expired ones are set apart."""
    try:
        entries = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).entry
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path.name}: {error}") from error
    for one in entries:
        _check(one, path.name)
    return Vex(
        entries=tuple(one for one in entries if one.created <= today <= one.expires),
        expired=tuple(one for one in entries if not one.created <= today <= one.expires),
    )


def _check(one: Judgement, file: str) -> None:
    for field in ("id", "package", "versions", "detail", "author"):
        if not getattr(one, field).strip():
            raise Refused(f"{file}: entry `{one.id}` has no {field}; write it, or take the entry out")
    if one.state == "not_affected" and one.justification is None:
        raise Refused(f"{file}: entry `{one.id}` says not_affected without a justification; use one of CISA's words")
    if one.justification is not None and one.state != "not_affected":
        raise Refused(f"{file}: entry `{one.id}` is {one.state}; a justification belongs to not_affected only")
    if not dt.timedelta(0) <= one.expires - one.created <= LONGEST:
        raise Refused(f"{file}: entry `{one.id}` must expire within {LONGEST.days} days of its making")
    try:
        SpecifierSet(one.versions)
    except InvalidSpecifier as error:
        raise Refused(f"{file}: entry `{one.id}`: `{one.versions}` is no range of versions") from error


def document(vex: Vex, inventory: Inventory, serial: str, epoch: int) -> bytes:
    """A CycloneDX VEX that points into the SBOM with this serial number. Raises Refused while an entry is expired."""
    if vex.expired:
        ids = ", ".join(f"`{one.id}` ({one.expires})" for one in vex.expired)
        raise Refused(f"VEX entries do not hold on the day of this build: {ids}; look again, then renew or remove them")
    body: Json = {
        "bomFormat": "CycloneDX",
        "specVersion": cyclonedx.SPEC,
        "version": 1,
        "metadata": {
            **cyclonedx.metadata(inventory.product, epoch),
            "component": {
                "type": "application",
                "bom-ref": cyclonedx.primary_ref(inventory.product),
                "name": inventory.product.name,
                "version": inventory.product.version,
            },
        },
        "vulnerabilities": [
            _vulnerability(one, inventory, serial) for one in sorted(vex.entries, key=lambda one: one.id)
        ],
    }
    return cyclonedx.render(body)


def _vulnerability(one: Judgement, inventory: Inventory, serial: str) -> Json:
    link = serial.replace("urn:uuid:", "urn:cdx:")
    shipped = [each.ref for each in inventory.components if one.about(each.wheel.name, each.wheel.version)]
    shipped += [each.ref for each in inventory.natives if one.about(each.name, each.version)]
    if not shipped:
        raise Refused(f"VEX entry `{one.id}` speaks of `{one.package}` {one.versions}, which is not shipped; remove it")
    word = {"justification": _WORDS[one.justification]} if one.justification else {}
    return {
        "bom-ref": f"vex-{one.id}",
        "id": one.id,
        **(
            {"references": [{"id": alias, "source": {"name": "alias"}} for alias in one.aliases]} if one.aliases else {}
        ),
        "analysis": {
            "state": _STATES[one.state],
            **word,
            "detail": one.detail,
            "firstIssued": f"{one.created}T00:00:00Z",
        },
        "affects": [{"ref": f"{link}/1#{quote(ref, safe='')}"} for ref in sorted(shipped)],
        "properties": cyclonedx.properties(
            [
                ("redoubt:vex:author", one.author),
                ("redoubt:vex:expires", str(one.expires)),
                ("redoubt:vex:versions", one.versions),
                ("redoubt:vex:cisa-status", one.state),
                ("redoubt:vex:cisa-justification", one.justification or ""),
            ]
        ),
    }
