"""The image's root file system as parts of the delivery: one archive, and the Debian packages it was made of.

Of each package the bundle holds some files, not the .deb: it is a part of the archive, named with the digest of the
.deb it came from. Its licence was read by a person in its copyright file, and holds for exactly that text.
"""

import hashlib
import tarfile
import tomllib
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import quote

import msgspec

from sbom.licences import Policy, check, folder, normal
from sbom.model import Native, Party, Product, Refused

HERE = Path(__file__).parent
ROOT, PACKAGES = "rootfs.tar", "packages.json"
_COMMON = "usr/share/common-licenses/"  # where the copyright files point to for the long texts


class Read(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person read in the copyright file of one package."""

    name: str
    copyright_sha256: str
    expression: str
    reason: str


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    package: tuple[Read, ...]


class _Package(msgspec.Struct, frozen=True):
    """As `packages.json` tells it."""

    name: str
    version: str
    architecture: str
    source: str
    maintainer: str
    file: str
    sha256: str
    copyright: str


class _Told(msgspec.Struct, frozen=True):
    packages: tuple[_Package, ...]
    rootfs_sha256: str
    suite: str


class ImageRoot(msgspec.Struct, frozen=True):
    """What the SBOM says of a root file system, and the texts that go with it."""

    natives: tuple[Native, ...] = ()
    texts: dict[str, bytes] = {}  # `licences/…` -> text


def load(path: Path = HERE / "debian.toml") -> dict[str, Read]:
    try:
        told = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Table)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError) as error:
        raise Refused(f"{path.name}: {error}") from error
    return {one.name: one for one in told.package}


def read(image: Path, product: Product, policy: Policy, known: dict[str, Read] | None = None) -> ImageRoot:
    """The root file system in a bundle's `image/`; nothing where none travels. Raises Refused for an unread licence."""
    if not (image / ROOT).is_file():
        return ImageRoot()
    content = (image / ROOT).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        told = msgspec.json.decode((image / PACKAGES).read_bytes(), type=_Told)
        kept = _texts(image / ROOT)
    except (OSError, msgspec.MsgspecError, tarfile.TarError) as error:
        raise Refused(f"`{image}` holds a root file system that cannot be read: {error}") from error
    if told.rootfs_sha256 != sha256:
        raise Refused(f"`{image / ROOT}` is not the one its {PACKAGES} tells of; make it anew")
    table = load() if known is None else known
    parts, texts = [], {}
    for one in told.packages:
        text = kept.get(one.copyright)
        if text is None:
            raise Refused(f"package `{one.name}` has no text at `{one.copyright}` in {ROOT}")
        parts.append(_part(one, text, table, policy, told.suite))
        place = folder(one.name, one.version)
        texts[f"{place}/copyright"] = text
        if one.name == "base-files":
            texts |= {f"{place}/{path.rsplit('/', 1)[1]}": kept[path] for path in kept if path.startswith(_COMMON)}
    return ImageRoot((_archive(content, told, parts, product), *parts), texts)


def _part(one: _Package, text: bytes, table: dict[str, Read], policy: Policy, suite: str) -> Native:
    digest = hashlib.sha256(text).hexdigest()
    entry = table.get(one.name)
    if entry is None or entry.copyright_sha256 != digest:
        raise Refused(
            f"nobody read the licence of Debian's `{one.name}` {one.version} yet: its copyright file has the sha256 "
            f"{digest}; read it and add it to sbom/debian.toml"
        )
    expression = normal(entry.expression)
    check(expression, one.name, policy)
    maker, address = parseaddr(one.maintainer)
    name, version = quote(one.name, safe=""), quote(one.version, safe="~")
    source = f", source package {one.source}" if one.source != one.name else ""
    return Native(
        name=one.name,
        version=one.version,
        purl=f"pkg:deb/debian/{name}@{version}?arch={one.architecture}&distro={suite}",
        licence=expression,
        party=Party(maker or one.name, email=address),
        how=f"unpacked from {one.file} (the digest is that file's){source}; licence: {entry.reason}",
        within=(f"image/{ROOT}",),
        sha256=one.sha256,
    )


def _archive(content: bytes, told: _Told, parts: list[Native], product: Product) -> Native:
    """All of it as one file. Its licence is that of everything in it."""
    version = told.rootfs_sha256[:16]
    return Native(
        name=f"{product.name}-image-root",
        version=version,
        purl=f"pkg:generic/{product.name}-image-root@{version}",
        licence=normal(" AND ".join(f"({one})" for one in sorted({one.licence for one in parts}))),
        party=product.party,
        how=f"made of {len(parts)} packages of Debian {told.suite}",
        within=(f"{product.name}!image/{ROOT}",),
        file=ROOT,
        archive=True,
        sha256=told.rootfs_sha256,
        sha512=hashlib.sha512(content).hexdigest(),
        needs=tuple(sorted(one.ref for one in parts)),
    )


def _texts(tar: Path) -> dict[str, bytes]:
    """Copyright files and long licence texts, by path; links among them followed inside the archive."""
    found: dict[str, bytes] = {}
    with tarfile.open(tar) as told:
        members = {one.name: one for one in told}
        folders = {
            name: f"{name.rsplit('/', 1)[0]}/{one.linkname}"
            for name, one in members.items()
            if one.issym() and name.startswith("usr/share/doc/")
        }
        for name, one in members.items():
            if one.isreg() and (name.endswith("/copyright") or name.startswith(_COMMON)):
                content = told.extractfile(one)
                found[name] = content.read() if content else b""
    links = {f"{name}/copyright": f"{target}/copyright" for name, target in folders.items()}
    return found | {name: found[target] for name, target in links.items() if target in found}
