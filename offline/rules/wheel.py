"""Whether one wheel is what it says: its structure, its RECORD, its tags, and what it would run at every start.

Sources: PyPA binary distribution format (RECORD, `.data`), PEP 427, PEP 600 (manylinux_x_y), PEP 376.
"""

import base64
import configparser
import copy
import csv
import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from offline.rules.lock import normalised
from offline.rules.names import shown
from offline.rules.refusal import Fault, Refused

GLIBC_FLOOR = (2, 28)
LARGEST_MEMBER = 512 * 1024 * 1024  # bytes
LARGEST_WHEEL = 2 * 1024 * 1024 * 1024  # bytes, unpacked
MOST_MEMBERS = 100_000
LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
STARTUP_MODULES = ("sitecustomize", "usercustomize")
UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")
# `.data/data` lands in the environment's root, beside `bin`: only documentation and settings may.
DATA_ROOTS = ("share/", "etc/")
# What an environment's `bin` holds of its own: a wheel's program of that name would run in its place.
_ENVIRONMENTS_OWN = re.compile(r"(python|pypy)[0-9.]*|(de)?activate(\.\w+)?", re.IGNORECASE)
_END, _END_SIZE = b"PK\x05\x06", 22  # of a zip without a comment: APPNOTE.TXT 4.3.16
_FILE = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.!+]+)(?:-(?P<build>\d[A-Za-z0-9_.]*))?"
    r"-(?P<python>[A-Za-z0-9_.]+)-(?P<abi>[A-Za-z0-9_.]+)-(?P<platform>[A-Za-z0-9_.]+)\.whl"
)


@dataclass(frozen=True)
class WheelName:
    """What a wheel's file name says."""

    name: str  # normalised
    version: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]


@dataclass(frozen=True)
class Wheel:
    """A wheel that was read to its last byte."""

    file: str
    name: str
    version: str
    sha256: str  # of the file
    size: int  # bytes
    installs: frozenset[str]  # paths below site-packages
    scripts: tuple[str, ...]  # files below `bin`
    native: tuple[str, ...]  # compiled members
    startup: Mapping[str, str]  # what every start of the interpreter would run -> sha256
    record: str  # sha256 over the sorted `path sha256` lines of RECORD


def read_name(file: str) -> WheelName:
    """Raises Refused unless the name is that of a wheel."""
    found = _FILE.fullmatch(file)
    if found is None:
        raise Refused(Fault.WHEEL, f"`{shown(file)}` is not the name of a wheel")
    tags = [tuple(found[one].split(".")) for one in ("python", "abi", "platform")]
    return WheelName(normalised(found["name"]), found["version"].replace("_", "-"), *tags)


def check_platform(file: str, arch: str) -> None:
    """Raises Refused unless the wheel runs on a Linux of `arch` with the glibc of the floor."""
    platforms = read_name(file).platforms
    if not any(_fits(platform, arch) for platform in platforms):
        floor = ".".join(map(str, GLIBC_FLOOR))
        raise Refused(Fault.PLATFORM, f"`{file}` is not for {arch} with glibc {floor}: {', '.join(platforms)}")


def _fits(platform: str, arch: str) -> bool:
    if platform == "any":
        return True
    if found := re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", platform):
        return found[3] == arch and (int(found[1]), int(found[2])) <= GLIBC_FLOOR
    name, _, of = platform.partition("_")
    return name in LEGACY and of == arch


def read_wheel(file: Path) -> Wheel:
    """Read a wheel whole. Raises Refused for whatever is not exactly as its RECORD says."""
    named = read_name(file.name)
    try:
        with file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            size = opened.tell()
            opened.seek(max(0, size - _END_SIZE))
            if not opened.read().startswith(_END):
                raise Refused(Fault.WHEEL, f"`{file.name}` has something before or behind its archive")
            with zipfile.ZipFile(opened) as archive:
                return _read(file.name, named, archive, (sha256, size))
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Refused(Fault.WHEEL, f"`{file.name}` cannot be read as a wheel: {error}") from error


def _read(file: str, named: WheelName, archive: zipfile.ZipFile, measured: tuple[str, int]) -> Wheel:
    members = _members(file, archive)
    info = _dist_info(file, named, members)
    hashes = {name: _hash(file, archive, one) for name, one in members.items()}
    record = _record(file, archive.read(members[f"{info}/RECORD"]))
    _compare(file, record, hashes, {f"{info}/{name}" for name in UNHASHED})
    installs, scripts = _destinations(file, members, info)
    if (points := members.get(f"{info}/entry_points.txt")) is not None:
        scripts += _entry_points(file, archive.read(points))
    if len({one.lower() for one in scripts}) < len(scripts):
        raise Refused(Fault.WHEEL, f"`{file}` would put two programs under one name")
    if own := [one for one in scripts if _ENVIRONMENTS_OWN.fullmatch(one)]:
        raise Refused(Fault.WHEEL, f"`{file}` would put `{shown(own[0])}` in place of the environment's own program")
    return Wheel(
        file=file,
        name=named.name,
        version=named.version,
        sha256=measured[0],
        size=measured[1],
        installs=frozenset(installs),
        scripts=tuple(sorted(scripts)),
        native=tuple(sorted(name for name in members if is_native(name))),
        startup={path: hashes[member] for path, member in installs.items() if is_startup(path)},
        record=record_digest({name: digest for name, (digest, _) in record.items() if digest}),
    )


def record_digest(hashes: Mapping[str, str]) -> str:
    """One digest for everything a wheel installs: over sorted lines `path sha256`, RECORD itself left out."""
    lines = "".join(f"{path} {hashes[path]}\n" for path in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def is_native(path: str) -> bool:
    return re.search(r"\.(so|dylib|pyd|dll|a|o)(\.[0-9.]+)?$", path) is not None


def is_startup(path: str) -> bool:
    """`site` runs these at every start, asked or not."""
    top = path.split("/", 1)[0]
    return ("/" not in path and path.endswith((".pth", ".start"))) or top.split(".", 1)[0] in STARTUP_MODULES


def _members(file: str, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    every = archive.infolist()
    if len(every) > MOST_MEMBERS or sum(one.file_size for one in every) > LARGEST_WHEEL:
        raise Refused(Fault.SIZE, f"`{file}` unpacks to more than a wheel may")
    if archive.comment or min((one.header_offset for one in every), default=1):
        raise Refused(Fault.WHEEL, f"`{file}` has something before or behind its archive")
    found: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for one in every:
        name = one.filename
        if one.orig_filename != name or not _safe(name.removesuffix("/")):
            raise Refused(Fault.WHEEL, f"`{file}` holds `{shown(one.orig_filename)}`, which leaves its place")
        kind = stat.S_IFMT(one.external_attr >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or one.flag_bits & 0x1:
            raise Refused(Fault.WHEEL, f"`{file}` holds `{shown(name)}`, which is no plain file")
        if one.is_dir():
            continue
        if name.lower() in folded:
            raise Refused(Fault.WHEEL, f"`{file}` holds `{shown(name)}` twice")
        folded.add(name.lower())
        found[name] = one
    return found


def _safe(name: str) -> bool:
    parts = name.split("/")
    return (
        bool(name)
        and len(name) < 1024
        and name.isprintable()
        and "\\" not in name
        and ":" not in name
        and not any(part in {"", ".", ".."} for part in parts)
    )


def _dist_info(file: str, named: WheelName, members: Iterable[str]) -> str:
    infos = sorted({name.split("/", 1)[0] for name in members if name.split("/", 1)[0].endswith(".dist-info")})
    if len(infos) != 1 or f"{infos[0]}/RECORD" not in members or f"{infos[0]}/METADATA" not in members:
        raise Refused(Fault.WHEEL, f"`{file}` has {len(infos)} `.dist-info` folders, or one without RECORD")
    name, _, version = infos[0].removesuffix(".dist-info").rpartition("-")
    if normalised(name) != named.name or version.replace("_", "-") != named.version:
        raise Refused(Fault.WHEEL, f"`{file}` holds the metadata of `{shown(infos[0])}`")
    return infos[0]


def _hash(file: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    if member.file_size > LARGEST_MEMBER:
        raise Refused(Fault.SIZE, f"`{file}` holds `{shown(member.filename)}` of {member.file_size} bytes")
    digest, size = hashlib.sha256(), 0
    beyond = copy.copy(member)  # zipfile stops where a member says it ends: another reader would go on
    beyond.file_size += 1
    with archive.open(beyond) as opened:
        while size <= member.file_size and (chunk := opened.read(1024 * 1024)):
            size += len(chunk)
            digest.update(chunk)
    if size != member.file_size:
        raise Refused(Fault.SIZE, f"`{file}`: `{shown(member.filename)}` is larger or smaller than it says")
    return digest.hexdigest()


def _record(file: str, content: bytes) -> dict[str, tuple[str, str]]:
    """Path -> (sha256 in hex or empty, size as written)."""
    found: dict[str, tuple[str, str]] = {}
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(Fault.RECORD, f"the RECORD of `{file}` cannot be read: {error}") from error
    for row in rows:
        if len(row) != 3 or row[0] in found:
            raise Refused(Fault.RECORD, f"the RECORD of `{file}` has a doubled or malformed line")
        path, hashed, size = row
        if hashed and not hashed.startswith("sha256="):
            raise Refused(Fault.RECORD, f"the RECORD of `{file}` hashes `{shown(path)}` with something weaker")
        found[path] = (_hex(file, hashed.removeprefix("sha256=")), size)
    return found


def _hex(file: str, encoded: str) -> str:
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).hex()
    except ValueError:
        raise Refused(Fault.RECORD, f"the RECORD of `{file}` holds something that is no hash") from None


def _compare(
    file: str, record: Mapping[str, tuple[str, str]], hashes: Mapping[str, str], unhashed: Iterable[str]
) -> None:
    if unlisted := sorted(hashes.keys() - record.keys() - set(unhashed)):
        raise Refused(Fault.RECORD, f"`{file}` holds `{shown(unlisted[0])}`, which its RECORD does not list")
    for path, (digest, _) in record.items():
        if path not in hashes:
            raise Refused(Fault.RECORD, f"the RECORD of `{file}` lists `{shown(path)}`, which is not there")
        if path not in unhashed and digest != hashes[path]:
            raise Refused(Fault.RECORD, f"`{file}`: `{shown(path)}` is not what its RECORD says")


def _entry_points(file: str, content: bytes) -> list[str]:
    """Names of the programs that an installer would make. Source: PyPA entry points specification."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case, as the specification says
    try:
        parser.read_string(content.decode("utf-8"))
    except (UnicodeDecodeError, configparser.Error):
        raise Refused(Fault.WHEEL, f"the entry points of `{file}` cannot be read") from None
    names = [name for kind in ("console_scripts", "gui_scripts") if parser.has_section(kind) for name in parser[kind]]
    if odd := [name for name in names if not re.fullmatch(r"[\w.-]+", name, re.ASCII) or name.startswith((".", "-"))]:
        raise Refused(Fault.WHEEL, f"`{file}` names a program `{shown(odd[0])}`, which leaves its place")
    return names


def _destinations(file: str, members: Iterable[str], info: str) -> tuple[dict[str, str], list[str]]:
    """Where pip would put each member: (path below site-packages -> member, files below `bin`)."""
    data = info.removesuffix(".dist-info") + ".data/"
    installs: dict[str, str] = {}
    scripts: list[str] = []
    for member in members:
        if not member.startswith(data):
            installs[member] = member
            continue
        scheme, _, rest = member.removeprefix(data).partition("/")
        if scheme in {"purelib", "platlib"} and rest:
            installs[rest] = member
        elif scheme == "scripts" and len(PurePosixPath(rest).parts) == 1:
            scripts.append(rest)
        elif not (scheme == "headers" or (scheme == "data" and rest.startswith(DATA_ROOTS))):
            raise Refused(Fault.WHEEL, f"`{file}` would put `{shown(rest)}` beside the environment's own programs")
    return installs, scripts
