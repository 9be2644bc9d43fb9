"""The sentences, as `LANGUAGE.txt` beside this file has them: one a line, names as `[PERSON|Ada Lovelace]`."""

import re
from importlib.resources import files
from typing import Final

import msgspec

SPOKEN: Final = ("de", "en", "es", "fr", "it", "nl")
_MARK: Final = re.compile(r"\[([A-Z_]+)\|([^\]]+)\]")


class Name(msgspec.Struct, frozen=True):
    """A place that has to be found."""

    start: int
    end: int
    entity: str


class Sentence(msgspec.Struct, frozen=True):
    text: str
    names: tuple[Name, ...]


def read(language: str) -> tuple[Sentence, ...]:
    """None for a language in which there are no sentences."""
    if language not in SPOKEN:
        return ()
    lines = files(__package__).joinpath(f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(parsed(line) for line in lines if line and not line.startswith("#"))


def parsed(line: str) -> Sentence:
    text, names, last = "", [], 0
    for mark in _MARK.finditer(line):
        text += line[last : mark.start()]
        names.append(Name(len(text), len(text) + len(mark[2]), mark[1]))
        text += mark[2]
        last = mark.end()
    return Sentence(text + line[last:], tuple(names))
