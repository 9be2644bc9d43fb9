"""Doors inside libraries: what would fetch something is replaced before anything imports it, and never loaded.

spaCy imports its whole command line, downloader included, for a function nobody here calls; Presidio a reader of public
suffixes for a recogniser that is not used. Together they are a fifth of a worker's start, and 20 MB.
"""

import sys
from types import ModuleType
from typing import Final, NoReturn

_DOORS: Final = {
    "spacy.cli": ("download", "download_module"),  # Presidio asks it for a model it misses
    "spacy.cli.info": ("info",),
    "tldextract": ("TLDExtract", "extract"),
}


class Downloads(RuntimeError):
    """A library wanted to fetch something."""


def shut() -> None:
    """Before the first import of a library."""
    for name, inside in _DOORS.items():
        door = ModuleType(name)
        vars(door).update(dict.fromkeys(inside, refuse))
        sys.modules[name] = door


def refuse(*_: object, **__: object) -> NoReturn:
    raise Downloads("nothing is downloaded; models are in the bundle")
