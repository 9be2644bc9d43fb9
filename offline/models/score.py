"""How good a model is: strict spans, micro-averaged. A label a corpus does not annotate takes no part there."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from spacy.language import Language

from offline.models.corpora import Line, Span

ALL = "ALL"
JUDGED = ("PERSON", "LOCATION", "ORGANIZATION", "NRP", "DATE_TIME", "ADDRESS")


@dataclass
class Tally:
    """Spans found right, found in all, and there in all; by label, and under ALL."""

    right: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)

    def add(self, gold: Sequence[Span], found: Sequence[Span]) -> None:
        both = set(gold) & set(found)
        for counter, spans in ((self.right, both), (self.found, found), (self.there, gold)):
            for *_, label in spans:
                counter[label] += 1
                counter[ALL] += 1

    def f1(self, label: str = ALL) -> float:
        return self.f(1.0, label)

    def f(self, beta: float, *labels: str) -> float:
        """Recall counts `beta` times as much as precision (van Rijsbergen 1979); of the labels taken together."""
        right, found, there = (sum(of[label] for label in labels) for of in (self.right, self.found, self.there))
        whole = found + beta**2 * there
        return (1 + beta**2) * right / whole if whole else 0.0

    def precision(self, label: str = ALL) -> float:
        return self.right[label] / self.found[label] if self.found[label] else 0.0

    def recall(self, label: str = ALL) -> float:
        return self.right[label] / self.there[label] if self.there[label] else 0.0


def judge(nlp: Language, lines: Iterable[Line]) -> Tally:
    """Run the model over the lines. An ADDRESS counts as a LOCATION where addresses are not annotated."""
    tally, kept = Tally(), list(lines)
    for line, doc in zip(kept, nlp.pipe(one.text for one in kept), strict=True):
        found = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
        tally.add(counted(line, line.spans), counted(line, found))
    return tally


def counted(line: Line, spans: Iterable[Span]) -> list[Span]:
    """The spans whose label the line's corpus tells throughout."""
    as_told = "ADDRESS" if "ADDRESS" in line.told else "LOCATION"
    named = ((start, end, as_told if label == "ADDRESS" else label) for start, end, label in spans)
    return [span for span in named if span[2] in line.told and span[2] in JUDGED]
