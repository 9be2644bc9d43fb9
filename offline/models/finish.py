"""A trained state made ready to travel: lemmas added, full word features, and nothing left of where it was made."""

import json
import shutil
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
from offline.models.features import DIMENSIONS, HIGHEST, VECTORS, known_words, save, set_vectors
from offline.models.names import read_lists
from offline.models.synthetic import LABELS

LEMMAS = "words/lemmas.tsv.gz"
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


def finished(state: Path, home: Path, *, mark_all: bool) -> Language:
    """The state, if asked with every listed name marked; with lemmas, where the home has any: Presidio's context words
    compare them.
    """
    nlp = spacy.load(state)
    if mark_all:
        set_vectors(nlp.vocab, known_words(home, read_lists(home), left_out=0))
    if (home / VECTORS).is_file() and nlp.vocab.vectors.shape[0]:  # the small model has none
        fold(nlp)
    if not (home / LEMMAS).is_file():
        return nlp
    lemmatizer: Any = nlp.add_pipe("lemmatizer", config={"mode": "lookup"})  # spaCy types every pipe as a function
    lemmatizer.initialize(lookups=_lemmas(home))
    return nlp


def fold(nlp: Language) -> None:
    """Move the scale of each dimension of the word vectors into the layer that reads them.

    The same sums; the table then holds the same sixteen numbers throughout, and packs to half its size.
    """
    table = np.array(nlp.vocab.vectors.data)
    scale = np.ones(table.shape[1], dtype=np.float32)
    scale[:DIMENSIONS] = np.abs(table[:, :DIMENSIONS]).max(axis=0) / HIGHEST
    table[:, :DIMENSIONS] = np.round(2 * table[:, :DIMENSIONS] / scale[:DIMENSIONS]) / 2
    nlp.vocab.vectors.data = table
    networks: list[Any] = [pipe for _, pipe in nlp.pipeline if hasattr(pipe, "model")]
    for node in (node for one in networks for node in one.model.walk()):
        if node.name == "static_vectors":
            node.set_param("W", node.get_param("W") * scale)


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
