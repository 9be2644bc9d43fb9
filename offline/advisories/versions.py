"""Whether a record is about a version of a package. Source: OSV schema, "evaluation of affected versions"."""

from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from offline.advisories.record import Affected, Event, Range, Record

# A version that PEP 440 does not know sorts before all others, as setuptools once did.
Order = tuple[int, Version, str]
_NONE = Version("0")


def order(text: str) -> Order:
    try:
        return (1, Version(text), "")
    except InvalidVersion:
        return (0, _NONE, text)


def comparable(text: str) -> bool:
    """False for a version that only equality can be asked of, such as `1.1.1w`."""
    return order(text)[0] == 1


def about(record: Record, ecosystem: str, name: str) -> list[Affected]:
    """The parts of a record that name this package."""
    return [
        one
        for one in record.affected
        if one.package and one.package.ecosystem == ecosystem and one.package.name == name
    ]


def affects(record: Record, ecosystem: str, name: str, version: str) -> bool:
    """Whether any part of the record holds that version. A part that names no version at all holds every one."""
    mine = order(version)
    return any(_holds(one, version, mine) for one in about(record, ecosystem, name))


def fixes(record: Record, ecosystem: str, name: str, version: str) -> list[Version]:
    """Where it is repaired: versions above this one, in order."""
    told = {
        Version(event.fixed)
        for part in about(record, ecosystem, name)
        for one in part.ranges
        if one.type != "GIT"
        for event in one.events
        if event.fixed and comparable(event.fixed)
    }
    return sorted(one for one in told if order(version) < (1, one, ""))


def _holds(affected: Affected, version: str, mine: Order) -> bool:
    ranges = [one for one in affected.ranges if one.type != "GIT"]
    if not affected.versions and not ranges:
        return True
    return _listed(affected.versions, version, mine) or any(_in_range(one, mine) for one in ranges)


def _listed(versions: Iterable[str], version: str, mine: Order) -> bool:
    return any(one == version or order(one) == mine for one in versions)


def _in_range(asked: Range, mine: Order) -> bool:
    inside = False
    for event, at in sorted(((one, _at(one)) for one in asked.events), key=lambda pair: pair[1]):
        if event.introduced is not None and (event.introduced == "0" or at <= mine):
            inside = True
        elif (event.fixed is not None and at <= mine) or (event.last_affected is not None and at < mine):
            inside = False
    return inside


def _at(event: Event) -> Order:
    if event.introduced == "0":
        return (-1, _NONE, "")
    return order(event.introduced or event.fixed or event.last_affected or event.limit or "")
