"""Whether the gateway can import what the wheels of an overlay bring, straight from the files. decisions/0016."""

import sys
import zipfile
import zipimport
from collections.abc import Iterator, Sequence
from pathlib import Path

from installer.layout import Release
from offline.rules.lock import normalised
from offline.rules.names import shown
from offline.rules.overlay import Overlay, plugins_of
from offline.rules.refusal import Fault, Refused
from offline.rules.wheel import Wheel, read_name, read_wheel

GROUP = "redoubt.providers"  # entry points: adapters to inference servers
READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # by zipimport

Owners = dict[str, str]  # a module's or distribution's name -> whose it is


def check(overlay: Overlay, release: Release, others: Sequence[Overlay]) -> None:
    """Raises Refused for a wheel that cannot be imported as it lies there, or that would get in another's way."""
    if not overlay.wheels:
        return
    modules = dict.fromkeys(sys.stdlib_module_names, "the standard library")
    distributions: Owners = {}
    _take_shipped(release, modules, distributions)
    for other in others:
        for wheel in map(read_wheel, other.wheels):
            _claim(wheel, f"the overlay `{other.name}`", modules, distributions)
    for file in overlay.wheels:
        wheel = read_wheel(file)
        _check_pure(file, wheel)
        for name, owner in _taken(wheel, modules, distributions):
            raise Refused(Fault.WHEEL, f"`{wheel.file}` brings `{shown(name)}`, which is {owner}'s; rename it")
        _claim(wheel, f"`{wheel.file}`", modules, distributions)
    if not plugins_of(overlay, GROUP):
        said = f"no wheel of `{overlay.name}` brings an adapter, which is an entry point of the group `{GROUP}`"
        raise Refused(Fault.WHEEL, said)


def _check_pure(file: Path, wheel: Wheel) -> None:
    named = read_name(wheel.file)
    if wheel.native or "none" not in named.abis or "any" not in named.platforms:
        why = f"holds native code (`{shown(wheel.native[0])}`)" if wheel.native else "is for some machines only"
        raise Refused(Fault.PLATFORM, f"`{wheel.file}` {why}: an overlay's are pure Python, `…-py3-none-any.whl`")
    with zipfile.ZipFile(file) as archive:
        for one in archive.infolist():
            if fault := _member_fault(one):
                raise Refused(Fault.WHEEL, f"`{wheel.file}`: `{shown(one.filename)}` {fault}")
    try:
        zipimport.zipimporter(str(file))  # reads the directory, runs nothing
    except zipimport.ZipImportError as error:
        raise Refused(Fault.WHEEL, f"Python can import nothing from `{wheel.file}`: {error}") from error


def _member_fault(member: zipfile.ZipInfo) -> str:
    if member.filename.split("/", 1)[0].endswith(".data"):
        return "would have to be unpacked, and nothing is; put it into the package"
    if member.filename.endswith(".pyc"):
        return "is byte code, which nobody can review; bring sources alone"
    if member.compress_type not in READABLE:
        return "is compressed in a way that Python imports nothing from; use deflate"
    return ""


def _modules(wheel: Wheel) -> set[str]:
    tops = {path.split("/", 1)[0] for path in wheel.installs}
    return {one.split(".", 1)[0] for one in tops if not one.endswith(".dist-info")}


def _taken(wheel: Wheel, modules: Owners, distributions: Owners) -> Iterator[tuple[str, str]]:
    if wheel.name in distributions:
        yield wheel.name, distributions[wheel.name]
    yield from ((name, modules[name]) for name in sorted(_modules(wheel)) if name in modules)


def _claim(wheel: Wheel, owner: str, modules: Owners, distributions: Owners) -> None:
    distributions[wheel.name] = owner
    modules.update(dict.fromkeys(_modules(wheel), owner))


def _take_shipped(release: Release, modules: Owners, distributions: Owners) -> None:
    owner = f"release `{release.id}`"
    for site in (release.folder / "serve" / "lib").glob("python3.*/site-packages"):
        for one in site.iterdir():
            if one.name.endswith(".dist-info"):
                distributions[normalised(one.name.removesuffix(".dist-info").rpartition("-")[0])] = owner
            elif one.name != "__pycache__":
                modules[one.name.split(".", 1)[0]] = owner
