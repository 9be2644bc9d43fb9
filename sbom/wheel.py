"""A wheel as its bytes are: every file is hashed, RECORD is held against them, natives are known by magic."""

import base64
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from packaging.metadata import parse_email
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from sbom.elf import MAGIC, NotElf, needed
from sbom.model import Entry, NativeFile, Refused, Wheel

INSTALLER_WRITES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "RECORD.jws", "RECORD.p7s")
_LICENCE = re.compile(r"^(licen[cs]e|copying|notice|authors|copyright|unlicense)|\.licen[cs]e$", re.IGNORECASE)
_PINNED = re.compile(r"^\s*(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s#;]+)")
_MOST = 400 * 1024 * 1024  # one file of a wheel, unpacked; a bomb is refused before it is read


def read(path: Path, texts: Iterable[str] = (), proofs: Iterable[str] = ()) -> Wheel:
    """Read one wheel. `texts`: source files whose leading comment may be a licence; `proofs`: strings to look for in
    native files. Raises Refused.
    """
    data = path.read_bytes()
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            contents = {one: _content(archive, info, path.name) for one, info in _files(archive, path.name).items()}
    except InvalidWheelFilename as error:
        raise Refused(f"`{path.name}` is not the name of a wheel") from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise Refused(f"wheel `{path.name}` is no readable archive ({error}); fetch it again") from error
    found = _wheel(path, data, contents, (tuple(texts), tuple(proofs)))
    if found.name != name or Version(found.version) != version:
        raise Refused(f"wheel `{path.name}` says inside that it is `{found.name}` {found.version}")
    return found


def _wheel(
    path: Path, data: bytes, contents: dict[str, bytes], asked: tuple[tuple[str, ...], tuple[str, ...]]
) -> Wheel:
    info = _dist_info(contents, path.name)
    raw, _ = parse_email(contents[f"{info}/METADATA"])
    metadata = {key: _values(value) for key, value in raw.items()}
    texts, proofs = asked
    native = [content for content in contents.values() if content[:4] == MAGIC]
    entries = tuple(sorted(_entry(one, content) for one, content in contents.items()))
    _agree(contents[f"{info}/RECORD"], entries, info, path.name)
    return Wheel(
        path=path,
        file=path.name,
        name=canonicalize_name(metadata.get("name", [""])[0]),
        version=metadata.get("version", [""])[0],
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        sha512=hashlib.sha512(data).hexdigest(),
        metadata=metadata,
        entries=entries,
        record_sha256=canonical_sha256(site_lines(entries, info)),
        natives=tuple(
            _native(one, content, path.name) for one, content in sorted(contents.items()) if _is_native(one, content)
        ),
        foreign=tuple(sorted(one for one, content in contents.items() if _is_foreign(content))),
        strings=frozenset(one for one in proofs if any(one.encode() in content for content in native)),
        licence_files=tuple(
            (one.removeprefix(f"{info}/").removeprefix("licenses/"), content)
            for one, content in sorted(contents.items())
            if _is_licence(one, info)
        ),
        sboms=tuple(
            (one.rsplit("/", 1)[-1], content)
            for one, content in sorted(contents.items())
            if one.startswith(f"{info}/sboms/")
        ),
        vendor_list=_vendored(contents),
        pth=tuple(sorted(one for one in contents if one.endswith(".pth"))),
        entry_points=_console_scripts(contents.get(f"{info}/entry_points.txt", b"")),
        leading_text={one: _leading_comment(contents[one]) for one in texts if one in contents},
    )


def _files(archive: zipfile.ZipFile, wheel: str) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for one in archive.infolist():
        if one.is_dir():
            continue
        parts = PurePosixPath(one.filename).parts
        if one.filename in found or ".." in parts or one.filename.startswith("/") or "\\" in one.filename:
            raise Refused(f"wheel `{wheel}` holds `{one.filename}`, twice or outside itself; it must not be shipped")
        found[one.filename] = one
    return found


def _dist_info(files: dict[str, bytes], wheel: str) -> str:
    folders = {one.split("/", 1)[0] for one in files if one.split("/", 1)[0].endswith(".dist-info")}
    if len(folders) != 1:
        raise Refused(f"wheel `{wheel}` has {len(folders)} `.dist-info` folders; a wheel has one")
    (folder,) = folders
    for wanted in ("METADATA", "RECORD"):
        if f"{folder}/{wanted}" not in files:
            raise Refused(f"wheel `{wheel}` lacks `{folder}/{wanted}`")
    return folder


def _content(archive: zipfile.ZipFile, one: zipfile.ZipInfo, wheel: str) -> bytes:
    if one.file_size > _MOST:
        raise Refused(f"`{one.filename}` in wheel `{wheel}` unpacks to {one.file_size} bytes; the limit is {_MOST}")
    return archive.read(one)


def _values(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, dict):  # project_urls
        return [f"{label}, {url}" for label, url in value.items()]
    return [str(value)]


def _entry(path: str, content: bytes) -> Entry:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return Entry(path, digest, len(content))


def _native(path: str, content: bytes, wheel: str) -> NativeFile:
    try:
        libraries = needed(content)
    except NotElf as error:
        raise Refused(f"`{path}` in wheel `{wheel}` begins like a native file and is none: {error}") from error
    return NativeFile(path, hashlib.sha256(content).hexdigest(), hashlib.sha512(content).hexdigest(), libraries)


def _is_native(path: str, content: bytes) -> bool:
    """By magic, whatever its name; and by name, so that a damaged one is refused rather than passed over."""
    name = path.rsplit("/", 1)[-1]
    return content[:4] == MAGIC or name.endswith(".so") or ".so." in name


def _is_foreign(content: bytes) -> bool:
    """A program for another system: PE with its header early, or 64-bit Mach-O."""
    return (content[:2] == b"MZ" and b"PE\0\0" in content[:1024]) or content[:4] == b"\xcf\xfa\xed\xfe"


def _agree(record: bytes, entries: tuple[Entry, ...], info: str, wheel: str) -> None:
    """RECORD and the bytes say the same: one line for each file, the right digest and size. Raises Refused."""
    told: dict[str, tuple[str, str]] = {}
    for row in csv.reader(io.StringIO(record.decode("utf-8", "strict"))):
        if row and len(row) == 3:
            told[row[0]] = (row[1], row[2])
    exempt = {f"{info}/{one}" for one in ("RECORD", "RECORD.jws", "RECORD.p7s")}
    for one in entries:
        if one.path in exempt:
            continue
        if one.path not in told:
            raise Refused(f"`{one.path}` lies in wheel `{wheel}` and not in its RECORD; it must not be shipped")
        digest, size = told[one.path]
        if not digest.startswith("sha256="):
            raise Refused(f"RECORD of wheel `{wheel}` gives no sha256 of `{one.path}`; it must not be shipped")
        if digest != f"sha256={one.sha256}":
            raise Refused(f"RECORD of wheel `{wheel}` lies about `{one.path}`; it must not be shipped")
        if size and size != str(one.size):
            raise Refused(f"RECORD of wheel `{wheel}` lies about the size of `{one.path}`; it must not be shipped")
    if ghosts := sorted(set(told) - {one.path for one in entries} - exempt):
        raise Refused(f"RECORD of wheel `{wheel}` names `{ghosts[0]}`, which is not there")


def site_lines(entries: Iterable[Entry], info: str) -> dict[str, Entry]:
    """What lands in site-packages, by its path there; files an installer writes or rewrites are left out."""
    landed: dict[str, Entry] = {}
    for one in entries:
        path = landing(one.path, info)
        if path and path not in {f"{info}/{word}" for word in INSTALLER_WRITES}:
            landed[path] = one
    return landed


def landing(path: str, info: str) -> str:
    """Where a file of a wheel lands below site-packages; empty for what does not land there."""
    data = f"{info.removesuffix('.dist-info')}.data/"
    if not path.startswith(data):
        return path
    kind, _, rest = path.removeprefix(data).partition("/")
    return rest if kind in {"purelib", "platlib"} else ""


def canonical_sha256(lines: dict[str, Entry]) -> str:
    """Digest of `path,sha256=…,size` for each file, sorted by path: equal trees, equal digests."""
    text = "".join(f"{path},sha256={one.sha256},{one.size}\n" for path, one in sorted(lines.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _is_licence(path: str, info: str) -> bool:
    if not path.startswith(f"{info}/"):
        return False
    return path.startswith(f"{info}/licenses/") or bool(_LICENCE.search(path.rsplit("/", 1)[-1]))


def _vendored(contents: dict[str, bytes]) -> tuple[tuple[str, str], ...]:
    """What a `_vendor/vendor.txt` lists, as pip's does."""
    found: set[tuple[str, str]] = set()
    for path, content in contents.items():
        if path.endswith("/_vendor/vendor.txt"):
            for line in content.decode("utf-8", "replace").splitlines():
                if match := _PINNED.match(line):
                    found.add((canonicalize_name(match["name"]), match["version"]))
    return tuple(sorted(found))


def _console_scripts(content: bytes) -> tuple[str, ...]:
    """`section: name = object` for each entry point, sorted."""
    section, found = "", []
    for line in content.decode("utf-8", "replace").splitlines():
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1]
        elif text and not text.startswith("#"):
            found.append(f"{section}: {text}")
    return tuple(sorted(found))


def _leading_comment(content: bytes) -> str:
    """The comment a source file begins with, without its `#`."""
    lines: list[str] = []
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip(" -") if set(line) <= {"#", "-", " "} else line[1:].removeprefix(" "))
    return "\n".join(lines).strip() + "\n"
