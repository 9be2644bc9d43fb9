"""Real sentences, varied: other names in the same places, other case, and the noise of chat and mail."""

import random
from collections.abc import Iterable

from offline.models.corpora import Line, Span
from offline.models.names import Namer

SWAP, LOWER, UPPER, NOISE = 0.45, 0.07, 0.025, 0.10  # shares of lines
PREFIXES = ("> ", "- ", "* ", "1. ", "RE: ", "Q: ", "User: ", "assistant: ", '"')


class Augmenter:
    """Varies lines. `pool` holds the organisations real text names, so that a swap need not be made up."""

    def __init__(self, namer: Namer, draw: random.Random, pool: Iterable[Line]) -> None:
        self.namer = namer
        self.draw = draw
        self.organisations = sorted(
            {line.text[a:b] for line in pool for a, b, label in line.spans if label == "ORGANIZATION"}
        )

    def vary(self, line: Line) -> Line:
        """The line, or another of the same shape. Spans and labels keep their meaning."""
        text, spans = line.text, list(line.spans)
        if self.draw.random() < SWAP:
            text, spans = self._swapped(text, spans)
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
            new = self.draw.choice(self._fitting(said))
        else:
            return said
        return new.upper() if said.isupper() and words > 1 else new.lower() if said.islower() else new

    def _fitting(self, said: str) -> tuple[str, ...]:
        """Nationalities that end like `said`, where the language inflects them: `deutschen` becomes `polnischen`."""
        nrp = self.namer.lists.nrp
        if not self.namer.lists.tongue.inflected:
            return nrp
        return tuple(one for one in nrp if one[-2:] == said[-2:] and one[:1].isupper() == said[:1].isupper()) or nrp

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
