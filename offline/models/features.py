"""Word features that need no running text: Brown clusters, how common a word is, and which lists name it.

They travel as the model's word vectors, which spaCy reads without any code of ours. Rows are shared by all words with
the same features, so that a hundred thousand words need a few thousand rows.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from spacy.strings import get_string_id
from spacy.vocab import Vocab

from offline.models.corpora import lines
from offline.models.names import Lists

PREFIXES = (4, 6, 8, 10, 16)  # bits of a cluster's path from the root; words in one subtree are used alike
CODE = 12  # dimensions for each prefix
FLAGS = ("given", "family", "place", "place_part", "organisation", "organisation_part", "nrp", "technical", "lower")
LEFT_OUT = 8  # one listed name in so many is left out, so that the model also learns to do without
COMMONEST, STEP = 4.0, 2.0  # -log share; how fine it is told apart
PARTS = frozenset(["of", "the", "and", "for", "de", "la", "du", "le", "von", "van", "der", "den", "den"])


@dataclass
class Word:
    """What is known of one spelling."""

    cluster: int = 0
    rarity: float | None = None  # -log share of running text, None: not among the common words
    titled: float | None = None  # how much rarer the lower-case spelling is
    flags: set[str] = field(default_factory=set)


def known_words(home: Path, lists: Lists, left_out: int = LEFT_OUT) -> dict[str, Word]:
    """Every spelling with a feature. A list's word counts in title case, capitals and lower case.

    `left_out`: one listed name in so many is not marked while training; 0 when the model is done.
    """
    words: dict[str, Word] = defaultdict(Word)
    for line in lines(home / "words/english.tsv.gz"):
        spelling, cluster, rarity = line.split("\t")
        words[spelling] = Word(int(cluster), float(rarity))
    for spelling, flags in _listed(lists, left_out).items():
        for cased in (spelling, spelling.lower(), spelling.upper()):
            words[cased].flags |= flags | ({"lower"} if cased.islower() else set())
    for spelling in [one for one in words if one.istitle()]:
        lower = words[spelling.lower()].rarity if spelling.lower() in words else None
        mine = words[spelling].rarity
        words[spelling].titled = 0.0 if mine is None else (18.0 if lower is None else lower) - mine
    return dict(words)


def _listed(lists: Lists, left_out: int) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for given, family in lists.people:
        for flag, names in (("given", given), ("family", family)):
            for name in _some(names, left_out):
                _put(found, name, flag, flag)
    for name in _some([*(city for city, _ in lists.cities), *lists.regions], left_out):
        _put(found, name, "place", "place_part")
    for name in _some(lists.organisations, left_out):
        _put(found, name, "organisation", "organisation_part")
    for name in (*lists.parts["tail"], *lists.parts["suffix"]):
        found[name].add("organisation_part")
    for name in lists.nrp:
        _put(found, name, "nrp", "nrp")
    for name in lists.technical:
        _put(found, name, "technical", "technical")
    return found


def _some(names: Sequence[str], left_out: int) -> list[str]:
    return [name for at, name in enumerate(names) if not left_out or at % left_out]


def _put(found: dict[str, set[str]], name: str, whole: str, part: str) -> None:
    pieces = [one for one in name.replace("-", " ").split() if one.lower() not in PARTS]
    for piece in pieces:
        found[piece].add(whole if len(pieces) == 1 else part)


def set_vectors(vocab: Vocab, words: dict[str, Word]) -> int:
    """Give `vocab` the features as vectors, without adding a word to it. How many rows there are."""
    rows: dict[tuple[object, ...], int] = {}
    keys: list[tuple[int, int]] = []
    kept: list[NDArray[np.float32]] = []
    for spelling, word in sorted(words.items()):
        same = (word.cluster, _level(word.rarity), _level(word.titled), frozenset(word.flags))
        if same not in rows:
            rows[same] = len(kept)
            kept.append(_vector(word))
        keys.append((get_string_id(spelling), rows[same]))
    vocab.reset_vectors(shape=(len(kept), len(kept[0])))
    vocab.vectors.data[:] = np.stack(kept)
    for key, row in keys:
        vocab.vectors.add(key, row=row)
    return len(kept)


def _level(value: float | None) -> int:
    return -9 if value is None else round(value / STEP)


def _vector(word: Word) -> NDArray[np.float32]:
    code = [_code(word.cluster & ((1 << bits) - 1), bits) if word.cluster else np.zeros(CODE) for bits in PREFIXES]
    rarity = 0.0 if word.rarity is None else (_level(word.rarity) * STEP - COMMONEST) / 6
    titled = 0.0 if word.titled is None else max(-2.0, min(2.0, _level(word.titled) * STEP / 4))
    scalars = [float(word.rarity is not None), rarity, float(word.cluster != 0), float(word.titled is not None), titled]
    flags = [1.5 * float(flag in word.flags) for flag in FLAGS]
    return np.concatenate([*code, scalars, flags]).astype(np.float32)


def _code(path: int, bits: int) -> NDArray[np.float64]:
    """Plus or minus one in each dimension, fixed by the path: near enough to orthogonal to tell clusters apart."""
    draw = np.random.default_rng([path, bits])
    return draw.choice([-1.0, 1.0], size=CODE) / math.sqrt(2)
