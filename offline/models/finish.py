"""A trained state made ready to travel: lemmas added, full word features, and nothing left of where it was made."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.strings import StringStore
from spacy.util import load_config

from offline.models.corpora import lines
from offline.models.features import DIMENSIONS, HIGHEST, KNOWN, LEVELS, VECTORS, known_words, save, set_vectors
from offline.models.fit import Plan
from offline.models.names import read_lists
from offline.models.synthetic import LABELS

LEMMAS = "words/lemmas.tsv.gz"
SPARED = 12  # bits of a weight's fraction that `shorten` leaves out
KEPT = ("nlp", "components", "initialize", "system", "paths", "training", "pretraining", "corpora")


@dataclass(frozen=True, kw_only=True)
class About:
    """What `meta.json` says. spaCy composes the folder's name from language, name and version."""

    name: str
    version: str
    description: str
    licence: str
    author: str
    notes: str
    sources: tuple[dict[str, str], ...]
    performance: dict[str, Any]


def finished(state: Path, home: Path, plan: Plan) -> Language:
    """The state, if asked with every listed name marked, or leaning towards names; with lemmas, where the home has any:
    Presidio's context words compare them.
    """
    nlp = spacy.load(state)
    if plan.lean:
        network: Any = nlp.get_pipe("ner")  # spaCy types every pipe as a function
        network.lean(plan.lean)
    if plan.shorten:
        shorten(nlp)
    if plan.mark_all:
        set_vectors(nlp.vocab, known_words(home, read_lists(home), left_out=0))
    if (home / VECTORS).is_file() and nlp.vocab.vectors.shape[0]:  # the small model has none
        fold(nlp)
    if not (home / LEMMAS).is_file():
        return nlp
    lemmatizer: Any = nlp.add_pipe("lemmatizer", config={"mode": "lookup"})  # spaCy types every pipe as a function
    lemmatizer.initialize(lookups=_lemmas(home))
    return nlp


def fold(nlp: Language) -> None:
    """Keep word vectors as their sixteen levels, from 1 to 2, and move scale and zero into the layer that reads them.

    The same sums. The levels differ in one byte of four, so that the table packs well. What they lack of zero, a
    word that has a vector gets by the feature that says so.
    """
    table = np.array(nlp.vocab.vectors.data)
    known = table[:, KNOWN] > 0
    scale = np.ones(table.shape[1], dtype=np.float32)
    scale[:DIMENSIONS] = np.abs(table[:, :DIMENSIONS]).max(axis=0) / HIGHEST
    levels = np.round(table[known, :DIMENSIONS] / scale[:DIMENSIONS] + HIGHEST)
    table[known, :DIMENSIONS] = 1 + levels / LEVELS
    nlp.vocab.vectors.data = table
    for node in _layers(nlp):
        if node.name == "static_vectors":
            weights = node.get_param("W") * scale
            weights[:, KNOWN] -= (LEVELS + HIGHEST) * weights[:, :DIMENSIONS].sum(axis=1)
            weights[:, :DIMENSIONS] *= LEVELS
            node.set_param("W", weights)


def shorten(nlp: Language) -> None:
    """Leave eleven of the 23 bits of every weight's fraction: less than a 4,000th of it, and a third less to pack."""
    for node in _layers(nlp):
        for name in (one for one in node.param_names if node.has_param(one)):
            bits = np.ascontiguousarray(node.get_param(name), dtype=np.float32).view(np.int32)
            node.set_param(name, ((bits + (1 << SPARED - 1)) & -(1 << SPARED)).view(np.float32))


def _layers(nlp: Language) -> Iterator[Any]:
    """All layers of all pipes that have learned. spaCy types every pipe as a function."""
    for _, pipe in nlp.pipeline:
        network: Any = pipe
        if hasattr(network, "model"):
            yield from network.model.walk()


def _lemmas(home: Path) -> Lookups:
    """Forms and their lemmas. Presidio compares without case, so that an unlisted word stands for itself."""
    table = dict(line.split("\t") for line in lines(home / LEMMAS))
    lookups = Lookups()
    lookups.add_table("lemma_lookup", table)
    return lookups


def write(nlp: Language, folder: Path, about: About) -> None:
    """Write the model as spaCy loads it. It holds data only: JSON, MessagePack and arrays."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    nlp.meta.update(
        {
            "name": about.name,
            "version": about.version,
            "description": about.description,
            "license": about.licence,
            "author": about.author,
            "email": "",
            "url": "",
            "notes": about.notes,
            "sources": [dict(one) for one in about.sources],
            "performance": about.performance,
            "spacy_version": ">=3.8.0,<3.9.0",
            "requirements": [],
        }
    )
    save(nlp, folder)
    _scrub(folder, nlp.lang)


def _scrub(folder: Path, language: str) -> None:
    """Leave out what was only for training: its settings, and the words it met."""
    config = load_config(folder / "config.cfg")
    for section in [one for one in config if one not in KEPT]:
        del config[section]
    config["paths"] = dict.fromkeys(config["paths"])
    config.to_disk(folder / "config.cfg")
    strings = StringStore(sorted({*spacy.blank(language).vocab.strings, *LABELS, *(f"B-{one}" for one in LABELS)}))
    strings.to_disk(folder / "vocab/strings.json")
    meta = folder / "meta.json"
    told = json.loads(meta.read_text(encoding="utf-8"))
    told.pop("spacy_git_version", None)
    meta.write_text(json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
