"""spaCy's view of the network: a pipe that sets a text's names, and learns from annotated ones."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline.trainable_pipe import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.types import Ragged

import appliance.redaction.network.layers  # noqa: F401 -- makes the architecture known to spaCy
from appliance.redaction.network.chain import NEVER, Links, best, weigh
from appliance.redaction.network.stretches import stretches
from appliance.redaction.network.tags import ANY, follows, may_begin, may_end, path_of, spans_of, tags_of

FACTORY: Final = "redoubt_names"
MOST: Final = 2_000  # words that are read together: memory grows by some 12 KB for each


@Language.factory(FACTORY, assigns=["doc.ents", "token.ent_iob", "token.ent_type"])
def finder(nlp: Language, name: str, model: Model[list[Doc], Ragged]) -> "Finder":
    return Finder(nlp.vocab, model, name)


class Finder(TrainablePipe):
    def __init__(self, vocab: Vocab, model: Model[list[Doc], Ragged], name: str) -> None:
        super().__init__(vocab, model, name)
        self.cfg: dict[str, Any] = {"labels": []}

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.cfg["labels"])

    def add_label(self, label: str) -> int:
        """1 if it is new. Raises ValueError after `initialize`."""
        if label in self.cfg["labels"]:
            return 0
        if self.model.get_ref("output").has_dim("nO"):
            raise ValueError(f"label `{label}` comes too late: the network has its tags")
        self.cfg["labels"].append(label)
        return 1

    def initialize(self, get_examples: Callable[[], Iterable[Example]], *, nlp: Language | None = None) -> None:
        for one in get_examples():
            for span in one.reference.ents:
                self.add_label(span.label_)
        tags = len(tags_of(self.labels))
        for part in ("output", "links"):
            self.model.get_ref(part).set_dim("nO", tags)
        self.model.initialize([one.predicted for one in get_examples()][:10])

    def lean(self, more: float) -> None:
        """Raise the score of every beginning of a name by so much: more names are found, and more that are none."""
        bias = self.model.get_ref("output").get_param("b")
        begins = np.array([tag[0] in "BS" for tag in tags_of(self.labels)])
        self.model.get_ref("output").set_param("b", bias + np.float32(more) * begins.astype(np.float32))

    def predict(self, docs: Iterable[Doc]) -> list[list[Span]]:
        tags, links = tags_of(self.labels), self._links()
        docs = list(docs)
        path = [tag for some in _groups(docs) for tag in self._path(some, links)]
        found: list[list[Span]] = []
        at = 0
        for doc in docs:
            spans = (_trimmed(doc, *one) for one in spans_of(path[at : at + len(doc)], tags))
            found.append([span for span in spans if len(span)])
            at += len(doc)
        return found

    def set_annotations(self, docs: Iterable[Doc], scores: list[list[Span]]) -> None:
        for doc, spans in zip(docs, scores, strict=True):
            doc.set_ents(spans)

    def get_loss(self, examples: Iterable[Example], scores: Ragged) -> tuple[float, Ragged]:
        """Negative log likelihood of what is annotated, in all; and its gradient by the scores, for each word.

        What is missing in an annotation may be anything: its paths count together (Tsuboi et al. 2008).
        """
        lengths, links = _lengths(scores), self._links()
        gold = _laid(np.concatenate([self._gold(one) for one in examples]), lengths)[..., None]
        laid = _laid(scores.dataXd.astype(np.float64), lengths)
        found = weigh(laid, lengths, links)
        meant = weigh(laid, lengths, links, (gold == np.arange(laid.shape[2])) | (gold == ANY))
        words = max(1, int(lengths.sum()))
        learned = self.model.get_ref("links")
        for part in ("between", "first", "last"):
            learned.inc_grad(part, ((getattr(found, part) - getattr(meant, part)) / words).astype(np.float32))
        slope = (found.tags - meant.tags)[_inside(lengths)] / words
        return float((found.log_total - meant.log_total).sum()), Ragged(slope.astype(np.float32), scores.lengths)

    def _gold(self, example: Example) -> NDArray[np.int32]:
        """The tag of each word, ANY where the annotation is silent, and for names that go on beyond their stretch."""
        doc = example.reference
        if len(doc) != len(example.predicted):
            raise ValueError("annotated words are not those of the text")
        path = path_of([(one.start, one.end, one.label_) for one in doc.ents], len(doc), tags_of(self.labels))
        path[[token.i for token in doc if not token.ent_iob]] = ANY
        edges = np.cumsum(stretches([token.text for token in doc]))
        for one in doc.ents:
            if ((edges > one.start) & (edges < one.end)).any():
                path[one.start : one.end] = ANY
        return path

    def _path(self, texts: list[Doc], links: Links) -> list[int]:
        """The tag of each word of all texts, one after the other."""
        scores = self.model.predict(texts)
        lengths = _lengths(scores)
        paths = best(_laid(scores.dataXd.astype(np.float64), lengths), lengths, links)
        return [int(tag) for path in paths for tag in path]

    def _links(self) -> Links:
        tags = tags_of(self.labels)
        learned = self.model.get_ref("links")
        return Links(
            between=np.where(follows(tags), learned.get_param("between"), NEVER),
            first=np.where([may_begin(tag) for tag in tags], learned.get_param("first"), NEVER),
            last=np.where([may_end(tag) for tag in tags], learned.get_param("last"), NEVER),
        )


def _groups(docs: Iterable[Doc]) -> Iterator[list[Doc]]:
    """All words in their order, cut between stretches only, in groups of up to MOST."""
    group: list[Doc] = []
    words = 0
    for piece in (piece for doc in docs for piece in _pieces(doc)):
        if group and words + len(piece) > MOST:
            yield group
            group, words = [], 0
        group.append(piece)
        words += len(piece)
    if group:
        yield group


def _pieces(doc: Doc) -> Iterator[Doc]:
    if len(doc) <= MOST:
        if len(doc):
            yield doc
        return
    start = end = 0
    for length in stretches([token.text for token in doc]):
        if end + length - start > MOST:
            yield doc[start:end].as_doc()
            start = end
        end += length
    yield doc[start:end].as_doc()


def _lengths(scores: Ragged) -> NDArray[np.int64]:
    return np.asarray(scores.lengths, dtype=np.int64)


def _inside(lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.arange(int(lengths.max())) < lengths[:, None]


def _laid(flat: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """One row for each stretch, filled with zeros behind its end."""
    laid = np.zeros((len(lengths), int(lengths.max()), *flat.shape[1:]), dtype=flat.dtype)
    laid[_inside(lengths)] = flat
    return laid


def _trimmed(doc: Doc, start: int, end: int, label: str) -> Span:
    while start < end and doc[start].is_space:
        start += 1
    while start < end and doc[end - 1].is_space:
        end -= 1
    return Span(doc, start, end, label=label)
