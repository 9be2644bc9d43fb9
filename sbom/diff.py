"""What changed from one SBOM to the next: packages, licences, native libraries, and code that runs by itself."""

from typing import Any

import msgspec

from sbom.view import View, shaped, walk

Json = dict[str, Any]


class Change(msgspec.Struct, frozen=True, order=True):
    """One thing, before and after; an empty side means that it was not there."""

    name: str
    before: str
    after: str


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a reviewer looks at first."""

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    upgraded: tuple[Change, ...]
    rebuilt: tuple[Change, ...]  # same version, other bytes
    licences: tuple[Change, ...]
    natives: tuple[Change, ...]  # libraries inside wheels
    native_code: tuple[Change, ...]  # packages that had no native files and have some, or the other way
    pth: tuple[Change, ...]
    entry_points: tuple[Change, ...]

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


TITLES = {
    "added": "packages added",
    "removed": "packages removed",
    "upgraded": "packages at another version",
    "rebuilt": "same version, other bytes",
    "licences": "licences changed",
    "natives": "libraries inside wheels",
    "native_code": "packages that gained or lost native code",
    "pth": "files that run at every start (.pth)",
    "entry_points": "entry points",
}


@shaped()
def compare(before: View, after: View) -> Diff:
    """From `before` to `after`. Works on any two CycloneDX documents; natives and entry points need ours."""
    old, new = _facts(before), _facts(after)
    packages = _changes(old.versions, new.versions)
    return Diff(
        added=tuple(one for one in packages if not one.before),
        removed=tuple(one for one in packages if not one.after),
        upgraded=tuple(one for one in packages if one.before and one.after),
        rebuilt=tuple(
            one
            for one in _changes(old.digests, new.digests)
            if one.before and one.after and old.versions[one.name] == new.versions[one.name]
        ),
        licences=tuple(one for one in _changes(old.licences, new.licences) if one.before and one.after),
        natives=_changes(old.natives, new.natives),
        native_code=tuple(one for one in _changes(old.native_code, new.native_code) if one.before and one.after),
        pth=_changes(old.pth, new.pth),
        entry_points=_changes(old.entry_points, new.entry_points),
    )


class _Facts(msgspec.Struct, frozen=True):
    versions: dict[str, str]
    digests: dict[str, str]
    licences: dict[str, str]
    natives: dict[str, str]
    native_code: dict[str, str]
    pth: dict[str, str]
    entry_points: dict[str, str]


def _changes(old: dict[str, str], new: dict[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(name, old.get(name, ""), new.get(name, ""))
        for name in sorted(old.keys() | new.keys())
        if old.get(name, "") != new.get(name, "")
    )


def _facts(document: View) -> _Facts:
    sets: dict[str, dict[str, set[str]]] = {name: {} for name in _Facts.__struct_fields__}

    def note(kind: str, name: str, value: str) -> None:
        if value:
            sets[kind].setdefault(name, set()).add(value)

    raw = {str(one.get("bom-ref")): one for one in walk(document.raw.get("components") or [])}
    for item in document.items:
        one = raw.get(item.ref, {})
        properties = [(str(each.get("name")), str(each.get("value"))) for each in one.get("properties") or []]
        if ("redoubt:bsi:kind", "part") in properties or any(name == "redoubt:known-by" for name, _ in properties):
            note("natives", item.name, item.version)
            continue
        note("versions", item.name, item.version)
        note("digests", item.name, _digest(one))
        note("licences", item.name, " / ".join(item.licences))
        for name, value in properties:
            if name == "redoubt:native-files":
                note("native_code", item.name, "pure Python" if value == "0" else "native")
            elif name in {"redoubt:pth", "redoubt:entry-point"}:
                note("pth" if name.endswith("pth") else "entry_points", f"{item.name} {value}", "there")
    return _Facts(
        **{kind: {name: ", ".join(sorted(values)) for name, values in found.items()} for kind, found in sets.items()}
    )


def _digest(one: Json) -> str:
    """The strongest digest, shortened for reading."""
    hashes = {str(each.get("alg")): str(each.get("content")) for each in one.get("hashes") or []}
    return next((hashes[alg][:16] for alg in ("SHA-512", "SHA-256", "SHA-1") if alg in hashes), "")
