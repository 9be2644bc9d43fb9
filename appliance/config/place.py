"""Where this program runs from: on a site, PREFIX/releases/ID/{serve,tools}."""

import sys
from pathlib import Path


def release() -> Path | None:
    """The folder of the release this program is of; None when it runs elsewhere, as on the connected side."""
    folder = Path(sys.prefix).resolve().parent  # a site's programs are called by way of `current`
    return folder if folder.parent.name == "releases" else None


def overlays(of: Path | None) -> Path | None:
    """Where the installer keeps what the site of that release signed and added; None for no release of a site."""
    folder = None if of is None else of.resolve()
    return folder.parents[1] / "overlays" if folder is not None and folder.parent.name == "releases" else None
