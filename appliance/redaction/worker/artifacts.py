"""What Presidio's recognisers ask of a text: tokens, names, context words. Each is made when first asked for."""

import re
from bisect import bisect_right
from functools import cached_property
from typing import Any, Final

from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.language import Language
from spacy.tokens import Doc, Span

from appliance.redaction.labels import LABELS

NER_SCORE: Final = 0.85
_WORD: Final = re.compile(r"[^\W\d_]{2}")


class Artifacts(NlpArtifacts):
    """Lower case serves as the lemma, since our pipelines have no lemmatiser and context words need one."""

    def __init__(self, nlp: Language, text: str, *, named: bool) -> None:
        """`named`: whether the pipeline is run; else the text is only cut into words, when somebody asks."""
        self._nlp, self._text, self._named = nlp, text, named
        self.nlp_engine = None

    @cached_property
    def tokens(self) -> Doc:
        return self._nlp(self._text) if self._named else self._nlp.make_doc(self._text)

    @cached_property
    def tokens_indices(self) -> list[int]:
        return [token.idx for token in self.tokens]

    @cached_property
    def lemmas(self) -> list[str]:
        return [token.lower_ for token in self.tokens]

    @cached_property
    def keywords(self) -> frozenset[str]:
        """Words that may be context: no stop words, no punctuation. `pin:4` counts as `pin` and `4`."""
        kept = {token.lower_ for token in self.tokens if not (token.is_stop or token.is_punct)}
        return frozenset(part for word in kept for part in word.split(":"))

    @cached_property
    def entities(self) -> list[Span]:
        return list(self.tokens.ents) if self._named else []

    @cached_property
    def scores(self) -> list[float]:
        return [NER_SCORE] * len(self.entities)

    def before(self, start: int, count: int) -> list[str]:
        """Up to `count` keywords before the word at `start`, and that word."""
        at = bisect_right(self.tokens_indices, start) - 1
        words: list[str] = []
        while at >= 0 and len(words) <= count:
            if self.lemmas[at] in self.keywords:
                words.append(self.lemmas[at])
            at -= 1
        return words


class Words(NlpEngine):
    """Presidio's view of one pipeline."""

    def __init__(self, nlp: Language, *, named: bool) -> None:
        self._nlp, self._named = nlp, named

    def load(self) -> None:
        """It is."""

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> Artifacts:
        """No name is without two letters in a row: numbers and rulers, which are costly, are not shown to the model."""
        return Artifacts(self._nlp, text, named=self._named and _WORD.search(text) is not None)

    def process_batch(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("texts are analysed one by one")

    def is_stopword(self, word: str, language: str) -> bool:
        return bool(self._nlp.vocab[word].is_stop)

    def is_punct(self, word: str, language: str) -> bool:
        return bool(self._nlp.vocab[word].is_punct)

    def get_supported_entities(self) -> list[str]:
        return sorted(set(LABELS.values())) if self._named else []

    def get_supported_languages(self) -> list[str]:
        return [self._nlp.lang]
