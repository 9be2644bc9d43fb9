"""What this site knows of itself: `state/site.json` (how it was set up) and `state/installed.json` (what it runs)."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from installer.disk import read_json, write_json
from installer.failure import Failed
from installer.layout import Layout
from offline.rules.moments import read_moment

T = TypeVar("T")
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Site:
    """How a site was set up; decided at the first install."""

    mode: str = "production"  # or `trial`
    service: str = "process"  # or `systemd`
    user: str = ""  # whom the gateway runs as; empty: whoever installs
    made_user: bool = False  # by the installer
    approval: str = ""  # the reviewer without whom nothing is installed: a line `approval id algorithm key`


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What a site runs, and what it has seen."""

    release: str = ""
    version: str = ""
    seq: int = 0  # of what runs
    highest: int = 0  # ever accepted in the channel `app`
    known: str = EPOCH  # the newest moment that was verified
    previous: str = ""  # where `rollback` goes by itself
    receipt: str = ""  # sha256 of the last receipt
    backup: str = ""  # made before the last upgrade
    overlays: dict[str, int] | None = None  # name -> highest number accepted

    @property
    def known_moment(self) -> datetime:
        return read_moment(self.known).astimezone(UTC)


def read_site(layout: Layout) -> Site:
    return _read(dict(read_json(layout.site)), Site, str(layout.site))


def read_installed(layout: Layout) -> Installed:
    return _read(dict(read_json(layout.installed)), Installed, str(layout.installed))


def write_site(layout: Layout, site: Site) -> None:
    write_json(layout.site, asdict(site))


def write_installed(layout: Layout, installed: Installed) -> None:
    write_json(layout.installed, asdict(installed))


def _read(told: dict[str, Any], kind: type[T], where: str) -> T:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # both kinds are dataclasses
    if unknown := sorted(told.keys() - known):
        raise Failed(f"`{where}` holds `{unknown[0]}`, which this installer does not know; use the newer one")
    return kind(**told)


def later(one: Installed, **changes: Any) -> Installed:
    return replace(one, **changes)
