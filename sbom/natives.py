"""Libraries inside wheels that are not the wheels' own work: out of PEP 770 documents, and out of `native.toml`.

Nothing native is passed over: a wheel whose native files are covered by neither is refused, and so is one that asks
the host for a library nobody named.
"""

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import msgspec

from sbom.licences import normal
from sbom.model import Native, NativeFile, Outside, Party, Refused, Wheel

HERE = Path(__file__).parent
ADD = "sbom/native.toml"
_ANGLED = re.compile(r"^(?P<name>[^<]*)<(?P<at>[^>]+)>")


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A maker, as a table names one; hosts are written without a scheme."""

    name: str
    email: str = ""
    url: str = ""

    def party(self) -> Party:
        return Party(self.name, self.email, "" if self.email else web(self.url))


class Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One library inside one wheel."""

    name: str
    version: str
    purl: str
    licence: str
    party: Told
    how: str
    vcs: str = ""
    copyright: str = ""
    file: str = ""
    machine: str = ""  # in the wheels of one machine only
    text: str = ""  # the wheel's own licence file that holds its text

    def lies_in(self, wheel: Wheel) -> bool:
        """Whether it is in the wheel for that machine."""
        return not self.machine or wheel.file.endswith(f"_{self.machine}.whl")


class Inspected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody found in one version of a wheel."""

    name: str
    version: str
    own: str
    proof: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    library: tuple[Library, ...] = ()


class Provided(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the host provides."""

    name: str
    version: str
    purl: str
    licence: str
    party: Told
    why: str
    always: bool = False


class Copied(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Licence and source of a package that `_vendor/vendor.txt` names."""

    licence: str
    vcs: str


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`native.toml`."""

    host: dict[str, str] = {}  # msgspec copies it for each value
    outside: tuple[Provided, ...] = ()
    wheel: tuple[Inspected, ...] = ()
    party: dict[str, Told] = {}
    vendored: dict[str, Copied] = {}

    def proofs(self) -> tuple[str, ...]:
        return tuple(sorted({one for wheel in self.wheel for one in wheel.proof}))


def load(path: Path = HERE / "native.toml") -> Known:
    """Raises Refused for a file that says something this program does not understand."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Known)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError) as error:
        raise Refused(f"{path.name}: {error}") from error


def web(place: str) -> str:
    """A host and path as a link."""
    return f"https://{place}" if place else ""


def inside(wheel: Wheel, known: Known) -> tuple[Native, ...]:
    """Every library inside a wheel, sorted. Raises Refused for native content nobody accounted for."""
    entry = _entry(wheel, known)
    documented = tuple(one for name, content in wheel.sboms for one in _documented(wheel, name, content, known))
    curated = tuple(_curated(wheel, one) for one in entry.library if one.lies_in(wheel)) if entry else ()
    vendored = tuple(_vendored(wheel, name, version, known) for name, version in wheel.vendor_list)
    _account(wheel, entry, documented, known)
    return tuple(sorted((*documented, *curated, *vendored)))


def provided(wheels: Iterable[Wheel], known: Known, pythons: str) -> tuple[Outside, ...]:
    """The first level outside the delivery: what is always there, and what native files ask for."""
    asked = {known.host[library] for wheel in wheels for file in wheel.natives for library in _from_host(wheel, file)}
    return tuple(
        Outside(
            name=one.name,
            version=one.version.format(pythons=pythons),
            purl=one.purl,
            licence=normal(one.licence),
            party=one.party.party(),
            why=one.why,
        )
        for one in known.outside
        if one.always or one.name in asked
    )


def needs_of_host(wheel: Wheel, known: Known) -> set[str]:
    """Names of the outside components a wheel's native files load."""
    return {known.host[library] for file in wheel.natives for library in _from_host(wheel, file)}


def _from_host(wheel: Wheel, file: NativeFile) -> list[str]:
    own = {one.path.rsplit("/", 1)[-1] for one in wheel.natives}
    return [library for library in file.needed if library not in own]


def _entry(wheel: Wheel, known: Known) -> Inspected | None:
    mine = [one for one in known.wheel if one.name == wheel.name]
    return next((one for one in mine if one.version == wheel.version), None)


def _account(wheel: Wheel, entry: Inspected | None, documented: tuple[Native, ...], known: Known) -> None:
    """Each native file is somebody's, each proof is there, each library asked for is known. Raises Refused."""
    for path in wheel.foreign:
        if not entry or not any(fnmatch.fnmatchcase(path, one) for one in entry.foreign):
            raise Refused(f"`{path}` in wheel `{wheel.file}` is a program for another system; account for it in {ADD}")
    if not wheel.natives:
        return
    if entry is None and not documented:
        raise Refused(
            f"wheel `{wheel.file}` holds native code ({wheel.natives[0].path}) and neither a PEP 770 document nor "
            f"{ADD} says what is in it; look inside, then account for `{wheel.name}` {wheel.version} there"
        )
    if entry and (lacking := sorted(set(entry.proof) - wheel.strings)):
        raise Refused(f"wheel `{wheel.file}` lacks `{lacking[0]}`, by which {ADD} knew what is in it; look again")
    patterns = [one.file for one in entry.library if one.file] if entry else []
    for file in wheel.natives:
        if _bundled(file.path) and not any(fnmatch.fnmatchcase(file.path, one) for one in patterns):
            raise Refused(f"`{file.path}` in wheel `{wheel.file}` is a bundled library nobody named; add it to {ADD}")
        if strange := [one for one in _from_host(wheel, file) if one not in known.host]:
            raise Refused(f"`{file.path}` in wheel `{wheel.file}` loads `{strange[0]}`, which {ADD} does not know")


def _bundled(path: str) -> bool:
    """A library that a repair tool copied in (`NAME.libs/`), or one named like a library."""
    folders, _, name = path.rpartition("/")
    return any(part.endswith(".libs") for part in folders.split("/")) or name.startswith("lib")


def _curated(wheel: Wheel, told: Library) -> Native:
    lying = [one for one in wheel.natives if told.file and fnmatch.fnmatchcase(one.path, told.file)]
    if told.file and not lying:
        raise Refused(f"wheel `{wheel.file}` lacks `{told.file}`, which {ADD} says is `{told.name}`; look again")
    if told.text and told.text not in {path for path, _ in wheel.licence_files}:
        raise Refused(f"wheel `{wheel.file}` lacks `{told.text}`, where {ADD} finds the text for `{told.name}`")
    held = lying or wheel.natives
    return Native(
        name=told.name,
        version=told.version,
        purl=told.purl,
        licence=normal(told.licence),
        party=told.party.party(),
        how=told.how,
        within=tuple(f"{wheel.file}!{one.path}" for one in held) or (f"{wheel.file}!",),
        vcs=web(told.vcs),
        file=lying[0].path.rsplit("/", 1)[-1] if lying else "",
        sha256=lying[0].sha256 if lying else "",
        sha512=lying[0].sha512 if lying else "",
        copyright=told.copyright,
        text=told.text,
    )


def _vendored(wheel: Wheel, name: str, version: str, known: Known) -> Native:
    told = known.vendored.get(name)
    if told is None:
        raise Refused(f"wheel `{wheel.file}` brings its own copy of `{name}`; name its licence in {ADD} [vendored]")
    return Native(
        name=name,
        version=version,
        purl=f"pkg:pypi/{name}@{version}",
        licence=normal(told.licence),
        party=Party(f"{name} project", url=web(told.vcs)),
        how="copied: the wheel's own `_vendor/vendor.txt` names it",
        within=(f"{wheel.file}!",),
        vcs=web(told.vcs),
    )


def _documented(wheel: Wheel, name: str, content: bytes, known: Known) -> Iterator[Native]:
    """Components of a CycloneDX document in the wheel, but the wheel's own crates and what only built it."""
    try:
        document = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise Refused(f"`{name}` in wheel `{wheel.file}` is no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        return
    told = [one for one in document.get("components", ()) if _delivered(one)]
    refs = {one.get("bom-ref", one.get("purl", "")): _purl(one) for one in told}
    graph = {one.get("ref"): one.get("dependsOn", ()) for one in document.get("dependencies", ())}
    for one in told:
        below = tuple(sorted({refs[ref] for ref in graph.get(one.get("bom-ref"), ()) if ref in refs}))
        yield _from_document(wheel, name, one, below, known)


def _delivered(one: dict[str, Any]) -> bool:
    return one.get("scope") != "excluded" and "download_url=file:" not in str(one.get("purl", ""))


def _purl(one: dict[str, Any]) -> str:
    given = str(one.get("purl") or f"pkg:generic/{one.get('name')}@{one.get('version')}")
    return given.partition("?")[0].partition("#")[0]


def _from_document(wheel: Wheel, document: str, one: dict[str, Any], below: tuple[str, ...], known: Known) -> Native:
    purl = _purl(one)
    links = {str(ref.get("type")): str(ref.get("url")) for ref in one.get("externalReferences", ())}
    curated = known.party.get(purl.partition("@")[0])
    maker = curated.party() if curated else _maker(one, links)
    hashes = {str(each.get("alg")): str(each.get("content")) for each in one.get("hashes", ())}
    return Native(
        name=str(one["name"]),
        version=str(one.get("version", "")),
        purl=purl,
        licence=_licence(one, wheel),
        party=maker,
        how=f"documented: {document} in the wheel (PEP 770)",
        within=tuple(f"{wheel.file}!{file.path}" for file in wheel.natives) or (f"{wheel.file}!",),
        vcs=links.get("vcs", ""),
        sha256=hashes.get("SHA-256", ""),
        sha512=hashes.get("SHA-512", ""),
        needs=below,
    )


def _licence(one: dict[str, Any], wheel: Wheel) -> str:
    for told in one.get("licenses", ()):
        if "expression" in told:
            return normal(str(told["expression"]).replace("/", " OR "))
        if "id" in told.get("license", {}):
            return normal(str(told["license"]["id"]))
    if _purl(one).startswith("pkg:generic/openssl@") and int(str(one.get("version", "0")).split(".", 1)[0]) >= 3:
        return "Apache-2.0"  # OpenSSL since 3.0; its document in `cryptography` names no licence
    raise Refused(f"a document in `{wheel.file}` names no licence for `{one.get('name')}`; add the wheel to {ADD}")


def _maker(one: dict[str, Any], links: dict[str, str]) -> Party:
    """Out of `author`: `A <a@b.example>, B <…>`, or a link in the angles; else where the source lies."""
    author = str(one.get("author", ""))
    place = links.get("vcs") or links.get("website") or links.get("distribution") or ""
    if match := _ANGLED.match(author.split(",", 1)[0].strip()):
        name, at = match["name"].strip(), match["at"].strip()
        if "@" in parseaddr(f"<{at}>")[1]:
            return Party(name, email=at)
        if at.startswith(("http://", "https://")):
            return Party(name, url=at)
    return Party(author or f"{one.get('name')} project", url=place)
