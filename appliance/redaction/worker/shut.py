"""Doors inside libraries: what would download, logs what it reads, or looks for a file it was not given."""

from typing import NoReturn

import spacy.cli
import spacy.util


class Downloads(RuntimeError):
    """A library wanted to fetch something."""


def shut() -> None:
    """Presidio asks `spacy.cli.download` for a model it misses; nothing is ever fetched here."""
    spacy.cli.download = refuse
    spacy.cli.download_module = refuse


def refuse(*_: object, **__: object) -> NoReturn:
    raise Downloads("nothing is downloaded; models are in the bundle")
