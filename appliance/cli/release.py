"""Where things lie on a site, seen from a verb that runs inside a release: PREFIX/releases/ID/{serve,tools}."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from appliance.config.place import release
from appliance.domain.errors import BadRequest

if TYPE_CHECKING:
    from offline.advisories.site import Site
    from offline.rules.trust import Trust

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


def state() -> Path | None:
    """What this site remembers across releases."""
    found = release()
    return None if found is None else found.parents[1] / "state"


def needed(given: Path | None, usual: Path | None, option: str) -> Path:
    """What was said, or where it lies on a site. Raises BadRequest when neither helps."""
    if given is None and usual is None:
        raise BadRequest(f"this is not the program of an installed release, so say `{option}`")
    return given or usual or Path()


def trust_of(given: Path | None) -> "Trust":
    """The trust file that was named, or the newest this site believes. Raises BadRequest."""
    from offline.rules.refusal import Refused
    from offline.rules.tree import read_small
    from offline.rules.trust import LARGEST, read_trust

    file = given or _newest(state())
    if file is None:
        raise BadRequest("there is no trust file; name the one this site believes with `--trust`")
    try:
        return read_trust(read_small(file, LARGEST))
    except Refused as error:
        raise BadRequest(str(error)) from error


def _newest(folder: Path | None) -> Path | None:
    found = [] if folder is None else [one for one in (folder / "trust").glob("*.trust") if one.stem.isdigit()]
    return max(found, key=lambda one: int(one.stem), default=None)


def known(trust: "Trust", site: "Site | None" = None) -> datetime:
    """The newest moment this site can be sure of: its clock may lie, what it verified does not."""
    return trust.created if site is None else max(trust.created, site.known())


def now() -> datetime:
    return datetime.now(UTC)
