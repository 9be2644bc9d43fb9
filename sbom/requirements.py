"""Which wheel needs which, in one environment: `Requires-Dist` judged for the environment's Python and machine."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from sbom.model import Refused, Target


class Distribution(Protocol):
    """What is asked of a wheel, or of what an index tells about one."""

    @property
    def file(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, list[str]]:
        """Header, as `packaging.metadata` calls it -> values."""


def environment(target: Target) -> dict[str, str]:
    """Marker values (dependency specifiers, `packaging.markers`). The patch level of the host's Python is not known
    here: markers are judged as for the latest one.
    """
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{target.python}.99",
        "os_name": "posix",
        "platform_machine": target.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{target.python}.99",
        "python_version": target.python,
        "sys_platform": "linux",
    }


def edges(
    target: Target, wheels: Mapping[str, Distribution], asked: Mapping[str, set[str]]
) -> dict[str, dict[str, bool]]:
    """Name -> names it needs -> whether a wheel of the environment meets it.

    Extras count where somebody in the environment asks for them; `asked`: name -> extras asked for from outside.
    """
    values = environment(target)
    told = {name: _requirements(wheel) for name, wheel in wheels.items()}
    wanted: dict[str, set[str]] = {name: {"", *asked.get(name, ())} for name in wheels}
    found: dict[str, dict[str, bool]] = {name: {} for name in wheels}
    settled = False
    while not settled:
        settled = True
        for name, requirements in told.items():
            for one in requirements:
                needed = canonicalize_name(one.name)
                if needed == name or not _applies(one, values, wanted[name]):
                    continue
                version = wheels[needed].version if needed in wheels else ""
                found[name][needed] = bool(version) and one.specifier.contains(version, prereleases=True)
                if needed in wanted and not one.extras <= wanted[needed]:
                    wanted[needed] |= one.extras
                    settled = False
    return found


def reached(graph: Mapping[str, Mapping[str, bool]], roots: Iterable[str]) -> set[str]:
    """The names that something asks for, and `roots`: all others could as well not be there."""
    found: set[str] = set()
    waiting = [name for name in roots if name in graph]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [one for one in graph[name] if one in graph]
    return found


def _applies(one: Requirement, values: Mapping[str, str], extras: set[str]) -> bool:
    return one.marker is None or any(one.marker.evaluate({**values, "extra": extra}) for extra in extras)


def _requirements(wheel: Distribution) -> list[Requirement]:
    try:
        return [Requirement(one) for one in wheel.metadata.get("requires_dist", ())]
    except InvalidRequirement as error:
        raise Refused(f"wheel `{wheel.file}` asks for something unreadable: {error}") from error
