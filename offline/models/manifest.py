"""The data manifest: every corpus and word list a model learns from, with source, licence, hash and attribution."""

import hashlib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from offline.failure import Failure

HOME = Path(__file__).parent / "pii_ner_en"
HOMES = {one: HOME.with_name(f"pii_ner_{one}") for one in ("en", "de")}  # language of a model -> what it is made of
FILE = "data.toml"


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Annotated text. `labels` are those annotated throughout; any other is missing there, not absent."""

    name: str
    path: Path
    sha256: str
    source: str  # without a scheme: nothing here is ever fetched
    licence: str
    attribution: str
    labels: tuple[str, ...]
    share_alike: bool
    weight: int  # how often a pass over the data reads it
    typical: str = ""  # documents whose id begins so are like the dev part: read twice as often, alone chosen by
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Words:
    """A list of words: no running text, no annotation."""

    name: str
    path: Path
    sha256: str
    source: str
    licence: str
    attribution: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Data:
    corpora: tuple[Corpus, ...]
    words: tuple[Words, ...]
    sha256: str  # of the manifest itself: names what a model was trained on

    @property
    def every(self) -> "tuple[Corpus | Words, ...]":
        return (*self.corpora, *self.words)

    def without_share_alike(self) -> "Data":
        kept = tuple(one for one in self.corpora if not one.share_alike)
        return replace(self, corpora=kept)

    def synthetic_only(self) -> "Data":
        """For the small model, which has no word vectors either."""
        return replace(self, corpora=(), words=tuple(one for one in self.words if one.name != "vectors"))


def read_data(home: Path = HOME) -> Data:
    """The manifest of `home`, each file of it hashed. Raises Failure when one is missing or is another."""
    raw = (home / FILE).read_bytes()
    told = tomllib.loads(raw.decode())
    data = Data(
        corpora=tuple(Corpus(**_entry(one, home), labels=tuple(one["labels"])) for one in told["corpus"]),
        words=tuple(Words(**_entry(one, home)) for one in told["words"]),
        sha256=hashlib.sha256(raw).hexdigest(),
    )
    for one in data.every:
        _check(one)
    return data


def language_of(home: Path) -> str:
    """The language of the model that `home` is the home of."""
    return str(tomllib.loads((home / FILE).read_text(encoding="utf-8")).get("language", "en"))


def _entry(told: dict[str, Any], home: Path) -> dict[str, Any]:
    kept = {key: value for key, value in told.items() if key not in {"file", "labels"}}
    return {**kept, "path": home / told["file"]}


def _check(one: Corpus | Words) -> None:
    if not one.path.is_file():
        raise Failure(f"`{one.path.name}` of the data manifest is not there; take the whole checkout")
    if (found := hashlib.sha256(one.path.read_bytes()).hexdigest()) != one.sha256:
        raise Failure(f"`{one.path.name}` is not the file the data manifest names: its sha256 is {found}")
