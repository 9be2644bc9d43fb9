"""Real sentences, varied: other names in the same places, other case, and the noise of chat and mail."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from offline.models.corpora import Line, Span, lines
from offline.models.names import Namer

SWAP, LOWER, UPPER, NOISE, REWORD = 0.6, 0.07, 0.025, 0.10, 0.5  # shares of lines
OTHER_WORDS = 0.12  # share of words of a line that is reworded
ALIKE = 40  # commonest words of a cluster that stand in for each other
WORD = re.compile(r"[^\W\d_]{3,}")
PREFIXES = ("> ", "- ", "* ", "1. ", "RE: ", "Q: ", "User: ", "assistant: ", '"')


class Alike:
    """Words used alike: those of one Brown cluster and one case, the commonest of them."""

    def __init__(self, english: Path) -> None:
        clusters: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
        for line in lines(english):
            word, cluster, rarity = line.split("\t")
            if cluster != "0" and WORD.fullmatch(word):
                clusters[cluster, _case(word)].append((float(rarity), word))
        self.group: dict[str, list[str]] = {}
        for some in clusters.values():
            words = [word for _, word in sorted(some)[:ALIKE]]
            self.group |= dict.fromkeys(words, words)

    def other(self, word: str, draw: random.Random) -> str:
        """Another word, or the same when it has no like."""
        return draw.choice(self.group.get(word, [word]))


def _case(word: str) -> str:
    return "lower" if word.islower() else "upper" if word.isupper() else "title" if word.istitle() else "mixed"


class Augmenter:
    """Varies lines. `pool` holds the organisations real text names, so that a swap need not be made up."""

    def __init__(self, namer: Namer, alike: Alike, draw: random.Random, pool: Iterable[Line]) -> None:
        self.namer = namer
        self.alike = alike
        self.draw = draw
        self.organisations = sorted(
            {line.text[a:b] for line in pool for a, b, label in line.spans if label == "ORGANIZATION"}
        )

    def vary(self, line: Line) -> Line:
        """The line, or another of the same shape. Spans and labels keep their meaning."""
        text, spans = line.text, list(line.spans)
        if self.draw.random() < SWAP:
            text, spans = self._swapped(text, spans)
        if self.draw.random() < REWORD:
            text, spans = self._reworded(text, spans)
        kind = self.draw.random()
        if kind < LOWER and len(text.lower()) == len(text):
            text = text.lower()
        elif kind < LOWER + UPPER and len(text.upper()) == len(text):
            text = text.upper()
        if self.draw.random() < NOISE:
            text, spans = self._noisy(text, spans)
        return Line(text, tuple(spans), line.told, line.corpus, line.doc)

    def _swapped(self, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
        """One name, the same name everywhere in the line; each with even odds."""
        made: dict[tuple[str, str], str] = {}
        out, moved, at = "", [], 0
        for start, end, label in sorted(spans):
            said = text[start:end]
            key = (label, said)
            if key not in made:
                made[key] = self._other(said, label) if self.draw.random() < 0.6 else said
            out += text[at:start]
            moved.append((len(out), len(out) + len(made[key]), label))
            out += made[key]
            at = end
        return out + text[at:], moved

    def _other(self, said: str, label: str) -> str:
        namer, words = self.namer, len(said.split())
        if label == "PERSON":
            new = namer.draw.choice((namer.given, namer.family))() if words == 1 else namer.full_name()
            if words > 2 and self.draw.random() < 0.5:
                new = f"{new} {namer.family()}"
        elif label == "LOCATION":
            new = namer.place()
        elif label == "ORGANIZATION":
            made_up = not self.organisations or self.draw.random() < 0.6
            new = namer.organisation() if made_up else self.draw.choice(self.organisations)
        elif label == "NRP":
            new = self.draw.choice(namer.lists.nrp)
        else:
            return said
        return new.upper() if said.isupper() and words > 1 else new.lower() if said.islower() else new

    def _reworded(self, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
        """Other words of the same kind in some places between the names."""
        out, moved, at = "", [], 0
        for start, end, label in [*sorted(spans), (len(text), len(text), "")]:
            out += WORD.sub(self._maybe_other, text[at:start])
            moved.append((len(out), len(out) + end - start, label))
            out += text[start:end]
            at = end
        return out, moved[:-1]

    def _maybe_other(self, found: re.Match[str]) -> str:
        return self.alike.other(found[0], self.draw) if self.draw.random() < OTHER_WORDS else found[0]

    def _noisy(self, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
        kind = self.draw.random()
        if kind < 0.4:
            prefix = self.draw.choice(PREFIXES)
            return prefix + text, [(start + len(prefix), end + len(prefix), label) for start, end, label in spans]
        if kind < 0.6 and text.endswith("."):
            return text[:-1], [(start, min(end, len(text) - 1), label) for start, end, label in spans]
        return self._mistyped(text, spans)

    def _mistyped(self, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
        """Two neighbouring letters of a word change places, or a straight apostrophe turns: the length stays."""
        if "'" in text and self.draw.random() < 0.5:
            return text.replace("'", "\u2019"), spans
        letters = [at for at in range(1, len(text) - 2) if text[at : at + 2].isalpha() and text[at : at + 2].islower()]
        if letters:
            at = self.draw.choice(letters)
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        return text, spans
