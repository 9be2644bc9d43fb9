"""Lines as spaCy learns from them: what a corpus does not annotate is missing there, not absent."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans

from offline.models.corpora import Line
from offline.models.names import Lists
from offline.models.synthetic import LABELS


@cache
def maybe_nrp(words: tuple[str, ...]) -> re.Pattern[str]:
    """What may be a nationality, a faith or a party: a listed word, however it is cased."""
    return re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})\b", re.IGNORECASE)


def unknown(line: Line, lists: Lists) -> list[tuple[int, int]]:
    """Where a label that the corpus does not annotate throughout may hide, or is marked here and there."""
    found = [(start, end) for start, end, label in line.spans if label in LABELS and label not in line.told]
    if "ADDRESS" not in line.told:  # "12 Main Street" as a place
        found += [(start, end) for start, end, label in line.spans if _address(line, start, label)]
    if "DATE_TIME" not in line.told:
        found += [one.span() for one in lists.tongue.maybe_date.finditer(line.text)]
    if "NRP" not in line.told:
        found += [one.span() for one in maybe_nrp(lists.nrp).finditer(line.text)]
    return found


def _address(line: Line, start: int, label: str) -> bool:
    return label == "LOCATION" and line.text[start].isdigit()


def reference(nlp: Language, line: Line, lists: Lists) -> Doc:
    """The annotated document. Only labels the corpus tells throughout are gold; doubtful words are masked."""
    doc = nlp.make_doc(line.text)
    spans = [
        (start, end, label)
        for start, end, label in line.spans
        if label in line.told and label in LABELS and ("ADDRESS" in line.told or not _address(line, start, label))
    ]
    gold = filter_spans([one for span in spans if (one := _trimmed(doc, *span)) is not None])
    taken = {token.i for span in gold for token in span}
    masked = [one for start, end in unknown(line, lists) if (one := doc.char_span(start, end, alignment_mode="expand"))]
    missing = sorted({token.i for span in masked for token in span} - taken)
    doc.set_ents(gold, missing=[doc[start:end] for start, end in _runs(missing)], default="outside")
    return doc


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """Neighbours taken together: [2, 3, 5] is (2, 4), (5, 6)."""
    for _, run in groupby(enumerate(places), lambda one: one[1] - one[0]):
        found = [place for _, place in run]
        yield found[0], found[-1] + 1


def _trimmed(doc: Doc, start: int, end: int, label: str) -> Span | None:
    """SpaCy's entities neither begin nor end with white space."""
    span = doc.char_span(start, end, label=label, alignment_mode="expand")
    while span is not None and len(span) and span[0].is_space:
        span = Span(doc, span.start + 1, span.end, label=label)
    while span is not None and len(span) and span[-1].is_space:
        span = Span(doc, span.start, span.end - 1, label=label)
    return span if span is not None and len(span) else None


def examples(nlp: Language, lines: Iterable[Line], lists: Lists) -> Iterator[Example]:
    for line in lines:
        if line.text.strip():
            doc = reference(nlp, line, lists)
            yield Example(nlp.make_doc(line.text), doc)
