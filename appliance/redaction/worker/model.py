"""The NER model: loaded by path, and only when every file of it is the one that was named.

Its folder holds `SHA256SUMS` (lines of `hex  path`, as sha256sum writes them) for all of its files; who starts a worker
names that file's own sha256. A spaCy model is data and a configuration that names functions: both are checked first.
"""

import hashlib
import re
from pathlib import Path
from typing import Final

import spacy
from spacy.language import Language
from thinc.api import use_ops

import appliance.redaction.network.finder  # noqa: F401 -- makes itself known to spaCy, under the name that models give

MANIFEST: Final = "SHA256SUMS"
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([\w.@+-]+(?:/[\w.@+-]+)*)")
_WANTED: Final = frozenset({"tok2vec", "transformer", "ner", "entity_ruler"})
"""Pipes that find names; a tagger or parser of an operator's model would cost time and add nothing."""


class ModelRefused(Exception):
    """The model is not the one that was named, or cannot be loaded. The message holds paths and digests."""


class Model:
    def __init__(self, nlp: Language, digest: str) -> None:
        self.nlp = nlp
        self.language = nlp.lang
        meta = nlp.meta
        self.name = f"{meta['name']}-{meta['version']}@{digest[:12]}"
        self.labels = frozenset(label for pipe in nlp.pipe_names for label in nlp.pipe_labels.get(pipe, ()))


def load(folder: Path, digest: str) -> Model:
    """Raises ModelRefused."""
    check(folder, digest)
    try:
        # Layers keep the library they were made with. numpy's multiplies matrices of these sizes in a third of the time
        # of BLIS, which spaCy takes by itself: a quarter less CPU for a text, and the same findings in 688 of them.
        with use_ops("numpy", use_blis=False):
            nlp = spacy.load(folder, exclude=unwanted(folder))
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelRefused(f"model `{folder.name}` cannot be loaded: {type(error).__name__}") from error
    return Model(nlp, digest)


def unwanted(folder: Path) -> list[str]:
    """The pipes of a model that find no names."""
    config = spacy.util.load_config(folder / "config.cfg")
    return [name for name in config["nlp"]["pipeline"] if name not in _WANTED]


def check(folder: Path, digest: str) -> None:
    """Every file is listed, every listed file is there, and each is the one that was listed."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise ModelRefused(f"model `{folder.name}` has no {MANIFEST}; install the release again")
    told = manifest.read_bytes()
    if (found := hashlib.sha256(told).hexdigest()) != digest:
        raise ModelRefused(f"model `{folder.name}`: {MANIFEST} has sha256 {found}, not {digest}")
    listed: dict[str, str] = {}
    for line in told.decode(errors="replace").splitlines():
        if not (parsed := _LINE.fullmatch(line)) or ".." in parsed[2].split("/"):
            raise ModelRefused(f"model `{folder.name}`: {MANIFEST} has a line that is not `sha256  path`")
        listed[parsed[2]] = parsed[1]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()} - {MANIFEST}
    if there != set(listed):
        odd = min(there ^ set(listed))
        raise ModelRefused(f"model `{folder.name}`: `{odd}` is listed and missing, or there and not listed")
    for name, wanted in listed.items():
        path = folder / name
        if path.is_symlink() or hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            raise ModelRefused(f"model `{folder.name}`: `{name}` is not the file that was shipped")
