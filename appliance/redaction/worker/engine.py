"""One text in, its findings out: our recognisers over the whole, Presidio's and the model over pieces; resolved."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

import msgspec
import spacy
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

from appliance.domain.privacy import Analysis, Code, Entity, Finding
from appliance.redaction.labels import LABELS, entities
from appliance.redaction.languages import ANY, LANGUAGES
from appliance.redaction.pieces import pieces
from appliance.redaction.recognisers.recogniser import Recogniser
from appliance.redaction.resolve import resolve
from appliance.redaction.worker.again import again
from appliance.redaction.worker.artifacts import NER_SCORE, Words
from appliance.redaction.worker.context import Context
from appliance.redaction.worker.fences import fences, outside
from appliance.redaction.worker.model import Model
from appliance.redaction.worker.predefined import SURE, recognisers

_PATTERN_SECONDS: Final = 1.0
_CORE: Final = 3000  # characters Presidio reads at once: it is quadratic in what it finds
_MARGIN: Final = 240  # longer than any of its patterns matches
_NOMINAL: Final = "en"  # Presidio asks for a language; ours are chosen by the analysis


Ours = tuple[Recogniser, ...]


class CannotAnalyse(Exception):
    """An analysis that cannot be done here. The message holds nothing of a text."""


class Fixed(RecognizerRegistry):
    """The recognisers of one analysis: asked for on every text, chosen once."""

    def get_recognizers(self, *_: Any, **__: Any) -> list[EntityRecognizer]:
        return list(self.recognizers)


class Names(SpacyRecognizer):
    """What the model found, in Presidio's words."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        told = {
            RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            SURE: False,
        }
        return [
            RecognizerResult(entity, span.start_char, span.end_char, NER_SCORE, recognition_metadata=told)
            for span in nlp_artifacts.entities
            if (entity := LABELS.get(span.label_)) in self.supported_entities
        ]


class Plan:
    """All that one analysis needs, made once."""

    def __init__(self, analysis: Analysis, ours: Ours, patterns: "Presidio", names: "Presidio | None") -> None:
        self.analysis, self.ours, self.patterns, self.names = analysis, ours, patterns, names


class Presidio:
    """An AnalyzerEngine over fixed recognisers."""

    def __init__(self, words: Words, found_by: list[EntityRecognizer], entities: list[str]) -> None:
        self._entities = entities
        self._empty = not found_by
        registry = Fixed(recognizers=found_by, supported_languages=[_NOMINAL])
        self._engine = AnalyzerEngine(
            registry=registry, nlp_engine=words, supported_languages=[_NOMINAL], context_aware_enhancer=Context()
        )

    def find(self, text: str) -> Iterator[Finding]:
        if self._empty:
            return
        for piece in pieces(text, _CORE, _MARGIN):
            read = text[piece.start : piece.end]
            if not read or read.isspace():
                continue
            for one in self._engine.analyze(read, _NOMINAL, entities=self._entities, score_threshold=0.0):
                start = one.start + piece.start
                if piece.core <= start < piece.core_end:
                    sure = bool(one.recognition_metadata.get(SURE))
                    yield Finding(start, one.end + piece.start, Entity(one.entity_type), float(one.score), sure)


class Engine:
    """`model`: None runs patterns only. `ours` compiles our recognisers for an analysis."""

    def __init__(self, model: Model | None, ours: Callable[[Analysis], Ours]) -> None:
        self._model, self._ours = model, ours
        self._nlp = model.nlp if model else spacy.blank(_NOMINAL)

    def zone(self) -> AbstractContextManager[Any]:
        """Words a text brings are forgotten at its end. Nothing may be raised across it, no token may outlive it."""
        zone: AbstractContextManager[Any] = self._nlp.memory_zone()
        return zone

    def plan(self, analysis: Analysis) -> Plan:
        """Raises CannotAnalyse."""
        unknown = sorted(set(analysis.languages) - set(LANGUAGES))
        if unknown or not analysis.languages:
            raise CannotAnalyse(f"no language `{', '.join(unknown)}`; known: {', '.join(LANGUAGES)}")
        ours = self._compiled(analysis)
        covered = self._covered(analysis, ours)
        wanted = [str(entity) for entity in analysis.entities]
        found_by: list[EntityRecognizer] = [*recognisers(set(wanted) - covered, _PATTERN_SECONDS)]
        patterns, named = found_by, self._named(analysis)
        if not named:
            return Plan(analysis, ours, Presidio(Words(self._nlp, named=False), patterns, wanted), None)
        names = Names(supported_entities=sorted(named))
        if analysis.code is Code.PATTERNS:  # two passes: code is blanked out for the model only
            whole = Presidio(Words(self._nlp, named=False), patterns, wanted)
            return Plan(analysis, ours, whole, Presidio(Words(self._nlp, named=True), [names], wanted))
        return Plan(analysis, ours, Presidio(Words(self._nlp, named=True), [*patterns, names], wanted), None)

    def _compiled(self, analysis: Analysis) -> Ours:
        try:
            return self._ours(analysis)
        except ValueError as error:  # in words for whoever wrote the policy
            raise CannotAnalyse(str(error)) from error

    def _covered(self, analysis: Analysis, ours: Ours) -> set[str]:
        """What ours find in place of Presidio's. A site's own pattern or list replaces nothing."""
        if analysis.patterns or analysis.deny:
            ours = self._compiled(msgspec.structs.replace(analysis, patterns=(), deny=()))
        return {str(entity) for one in ours for entity in one.entities}

    def _named(self, analysis: Analysis) -> set[str]:
        """Entities the model is asked for."""
        if self._model is None or not analysis.model or self._model.language not in {*analysis.languages, ANY}:
            return set()
        return set(entities(self._model.labels)) & {str(entity) for entity in analysis.entities}

    def find(self, plan: Plan, text: str) -> tuple[Finding, ...]:
        """Within `zone`."""
        analysis = plan.analysis
        code = [] if analysis.code is Code.SCAN else fences(text)
        read = outside(text, code) if analysis.code is Code.SKIP else text
        claims = [claim for one in plan.ours for claim in one.find(read)]
        claims += plan.patterns.find(read)
        if plan.names is not None:
            read = outside(text, code)
            claims += plan.names.find(read)
        claims += again(read, claims)
        return resolve(claims, text, analysis)
