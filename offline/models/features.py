"""Word features that need no running text: word vectors, Brown clusters, how common a word is, which lists name it.

They travel as the model's vectors, which spaCy reads without any code of ours, keyed by the word in lower case.
"""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.strings import get_string_id
from spacy.vectors import Vectors
from spacy.vocab import Vocab

from offline.models.corpora import lines
from offline.models.names import Lists

PREFIXES = (5, 9, 16)  # bits of a cluster's path from the root; words in one subtree are used alike
CODE = 6  # dimensions for each prefix
FLAGS = ("given", "family", "place", "place_part", "organisation", "organisation_part", "nrp", "technical")
LEFT_OUT = 8  # one listed name in so many is left out, so that the model also learns to do without
COMMONEST, STEP = 4.0, 2.0  # -log share; how fine it is told apart
RAREST = 18.0  # -log share taken for a spelling that is not among the common ones
VECTORS = "words/vectors.npz"  # below a model's home, if it has any
DIMENSIONS = 100  # of a word vector
LEVELS, HIGHEST = 16, 7.5  # of levels about zero
KNOWN = DIMENSIONS + 2 * len(PREFIXES) * CODE  # where a feature row says that the word has a vector
PARTS = frozenset(["of", "the", "and", "for", "de", "la", "du", "le", "von", "van", "der", "den"])
Row: TypeAlias = NDArray[np.float32]


@dataclass
class Word:
    """What is known of one word, however it is cased."""

    meaning: Row | None = None  # its word vector
    cluster: int = 0  # of the lower-case spelling
    titled_cluster: int = 0
    rarity: float | None = None  # -log share of running text of the commonest spelling, None: not a common word
    titled: float | None = None  # how much rarer the lower-case spelling is than the title-case one
    flags: set[str] = field(default_factory=set)


def known_words(home: Path, lists: Lists, left_out: int = LEFT_OUT) -> dict[str, Word]:
    """Every word with a feature, in lower case.

    `left_out`: one listed name in so many is not marked while training; 0 when the model is done.
    """
    words: dict[str, Word] = defaultdict(Word)
    if (home / VECTORS).is_file():
        for spelling, meaning in meanings(home / VECTORS).items():
            words[spelling].meaning = meaning
    _read_common(words, home / f"words/{lists.tongue.common}.tsv.gz")
    for spelling, flags in _listed(lists, left_out).items():
        word = words[spelling.lower()]
        word.flags |= flags & {"nrp", "technical", "organisation_part"}
        if word.titled is None or word.titled >= 0:  # `will` and `may` are names too rarely to be marked
            word.flags |= flags
    return dict(words)


def meanings(path: Path) -> dict[str, Row]:
    """The word vectors of the file: two levels of sixteen in a byte, each dimension with a scale of its own."""
    with np.load(path) as file:
        packed, scale, spellings = file["levels"], file["scale"], bytes(file["words"]).decode().split("\n")
    levels = np.stack([packed >> 4, packed & 15], axis=2).reshape(len(packed), -1)
    rows = ((levels / HIGHEST - 1) * scale).astype(np.float32)
    return dict(zip(spellings, rows, strict=True))


def _read_common(words: dict[str, Word], path: Path) -> None:
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for line in lines(path):
        spelling, cluster, rarity = line.split("\t")
        lower = spelling.lower()
        shares[lower][spelling] = float(rarity)
        if spelling == lower:
            words[lower].cluster = int(cluster)
        elif spelling.istitle():
            words[lower].titled_cluster = int(cluster)
    for lower, share in shares.items():
        word = words[lower]
        word.rarity = min(share.values())
        word.titled = share.get(lower, RAREST) - share.get(lower.title(), RAREST)


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
    """Give `vocab` the features as vectors, found by a word's lower-case spelling, without adding a word to it.

    How many rows there are: words without a vector of their own share one with all that have the same features.
    """
    size = DIMENSIONS if any(word.meaning is not None for word in words.values()) else 0
    rows: dict[tuple[object, ...], int] = {}
    keys: list[int] = []
    places: list[int] = []
    kept: list[Row] = []
    for spelling, word in sorted(words.items()):
        clusters = (word.cluster, word.titled_cluster)
        same = (*clusters, _level(word.rarity), _level(word.titled), frozenset(word.flags))
        own = (spelling,) if word.meaning is not None else same
        if own not in rows:
            rows[own] = len(kept)
            kept.append(_vector(word, size))
        keys.append(get_string_id(spelling))
        places.append(rows[own])
    vocab.vectors = Vectors(strings=vocab.strings, data=np.stack(kept), name="features", attr="LOWER")
    for key, row in zip(keys, places, strict=True):
        vocab.vectors.add(key, row=row)
    return len(kept)


def _level(value: float | None) -> int:
    return -9 if value is None else round(value / STEP)


def _vector(word: Word, size: int) -> Row:
    meaning = np.zeros(size) if word.meaning is None else word.meaning
    code = [
        _code(cluster & ((1 << bits) - 1), bits) if cluster else np.zeros(CODE)
        for cluster in (word.cluster, word.titled_cluster)
        for bits in PREFIXES
    ]
    rarity = 0.0 if word.rarity is None else (_level(word.rarity) * STEP - COMMONEST) / 6
    titled = 0.0 if word.titled is None else max(-2.0, min(2.0, _level(word.titled) * STEP / 4))
    known = (word.meaning, word.rarity, word.titled)
    scalars = [*(float(one is not None) for one in known), rarity, titled]
    flags = [1.5 * float(flag in word.flags) for flag in FLAGS]
    return np.concatenate([meaning, *code, scalars, flags]).astype(np.float32)


@cache
def _code(path: int, bits: int) -> NDArray[np.float64]:
    """Plus or minus one in each dimension, fixed by the path: near enough to orthogonal to tell clusters apart."""
    draw = np.random.default_rng([path, bits])
    return draw.choice([-1.0, 1.0], size=CODE) / math.sqrt(2)


def save(nlp: Language, folder: Path) -> None:
    """As `to_disk`, which forgets by which attribute vectors are found, though `from_disk` reads it (spaCy 3.8)."""
    nlp.to_disk(folder)
    told = {"mode": nlp.vocab.vectors.mode, "attr": int(nlp.vocab.vectors.attr)}
    (folder / "vocab/vectors.cfg").write_text(json.dumps(told) + "\n", encoding="ascii")
