"""Annotated text: read from the files of the manifest, cut into what is learned from, chosen by and judged by."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from offline.models.manifest import Corpus

VALIDATION_PERCENT = 8
Span = tuple[int, int, str]  # code points [from, to), label


@dataclass(frozen=True)
class Line:
    """A sentence, a post or a paragraph. `told` are the labels its corpus annotates throughout."""

    text: str
    spans: tuple[Span, ...]
    told: frozenset[str]
    corpus: str
    doc: str


def read(corpus: Corpus, split: str) -> Iterator[Line]:
    """`train` and `validation` are cut from the source's train part, by document; `dev` is its dev part, untouched.

    Labels outside the manifest's list of the corpus are left out, whether or not a few lines carry them.
    """
    with gzip.open(corpus.path, "rt", encoding="utf-8") as file:
        for raw in file:
            row = json.loads(raw)
            if part(row["doc"], row["split"]) == split:
                spans = tuple((start, end, label) for start, end, label in row["spans"])
                yield Line(row["text"], spans, frozenset(corpus.labels), corpus.name, row["doc"])


def documents(lines: Iterable[Line]) -> Iterator[Line]:
    """Neighbouring lines of one document as one text, with a space between, as requests bring them."""
    for doc, some in groupby(lines, lambda one: one.doc):
        text, spans, told, corpus = "", list[Span](), frozenset[str](), ""
        for line in some:
            text += " " if text else ""
            spans += [(start + len(text), end + len(text), label) for start, end, label in line.spans]
            text, told, corpus = text + line.text, line.told, line.corpus
        yield Line(text, tuple(spans), told, corpus, doc)


def part(doc: str, split: str) -> str:
    """A document lies in one part as a whole, and always in the same."""
    if split != "train":
        return split
    bucket = int.from_bytes(hashlib.sha256(doc.encode()).digest()[:4], "big") % 100
    return "validation" if bucket < VALIDATION_PERCENT else "train"


def lines(path: Path) -> list[str]:
    """The lines of a word list; `#` begins a remark."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [line for raw in file if (line := raw.rstrip("\n")) and not line.startswith("#")]
