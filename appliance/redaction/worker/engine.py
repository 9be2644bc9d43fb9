"""One text in, its findings out: our recognisers over the whole, Presidio's and the model over pieces; resolved."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final

import msgspec
import spacy
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

from appliance.domain.privacy import Analysis, Code, Entity, Finding
from appliance.domain.privacy_entities import MODELLED
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
from appliance.redaction.worker.plausible import plausible
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
            if (entity := LABELS.get(span.label_, "")) in self.supported_entities
            and plausible(entity, text, span.start_char, span.end_char)
        ]


class Plan:
    """All that one analysis needs, made once."""

    def __init__(self, analysis: Analysis, ours: Ours, patterns: "Presidio", names: "Sequence[Presidio]") -> None:
        """`names`: models that are asked apart from the patterns, with code blanked out unless it is to be scanned."""
        self.analysis, self.ours, self.patterns, self.names = analysis, ours, patterns, names


class Presidio:
    """An AnalyzerEngine over fixed recognisers."""

    def __init__(self, words: Words, found_by: list[EntityRecognizer], entities: list[str]) -> None:
        self._entities = entities
        self._engine: AnalyzerEngine | None = None
        if not found_by:  # Presidio would load all it has: 20 ms for each policy, and none would be asked
            return
        registry = Fixed(recognizers=found_by, supported_languages=[_NOMINAL])
        self._engine = AnalyzerEngine(
            registry=registry, nlp_engine=words, supported_languages=[_NOMINAL], context_aware_enhancer=Context()
        )

    def find(self, text: str) -> Iterator[Finding]:
        if self._engine is None:
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
    """`models`: of different languages; none runs patterns only. `ours` compiles our recognisers for an analysis."""

    def __init__(self, models: Sequence[Model], ours: Callable[[Analysis], Ours]) -> None:
        self._models, self._ours = models, ours
        self._nlp = models[0].nlp if models else spacy.blank(_NOMINAL)

    def zone(self) -> AbstractContextManager[Any]:
        """Words a text brings are forgotten at its end. Nothing may be raised across it, no token may outlive it."""
        zones = ExitStack()
        for nlp in [one.nlp for one in self._models] or [self._nlp]:
            zones.enter_context(nlp.memory_zone())
        return zones

    def plan(self, analysis: Analysis) -> Plan:
        """Raises CannotAnalyse."""
        unknown = sorted(set(analysis.languages) - set(LANGUAGES))
        if unknown or not analysis.languages:
            raise CannotAnalyse(f"no language `{', '.join(unknown)}`; known: {', '.join(LANGUAGES)}")
        ours = self._compiled(analysis)
        covered = self._covered(analysis, ours)
        wanted = [str(entity) for entity in analysis.entities]
        found_by: list[EntityRecognizer] = [*recognisers(set(wanted) - covered, _PATTERN_SECONDS)]
        asked = [(one, names) for one in self._asked(analysis) if (names := self._names(one, analysis))]
        if len(asked) == 1 and analysis.code is not Code.PATTERNS:  # in one pass: its words serve the patterns too
            model, names = asked[0]
            return Plan(analysis, ours, Presidio(Words(model.nlp, named=True), [*found_by, names], wanted), ())
        apart = [Presidio(Words(model.nlp, named=True), [names], wanted) for model, names in asked]
        return Plan(analysis, ours, Presidio(Words(self._nlp, named=False), found_by, wanted), apart)

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

    def _asked(self, analysis: Analysis) -> list[Model]:
        """The models of the languages that the analysis names.

        Raises CannotAnalyse when it wants names, and one of these languages has no model, or one that lacks the label:
        they would pass as if they had been looked for. With no model at all nothing is chosen: `Ready` has told whoever
        asks.
        """
        if not analysis.model or not self._models:
            return []
        known = {one.language for one in self._models}
        lacking = [one for one in analysis.languages if not known & {one, ANY}]
        wanted = sorted(MODELLED & {str(entity) for entity in analysis.entities})
        if lacking and wanted:
            raise CannotAnalyse(
                f"the policy asks for {', '.join(wanted)} in `{', '.join(lacking)}`, and no language model for it is "
                f"in use, only `{', '.join(sorted(known))}`; add one, name other languages, or say `model: false`"
            )
        for language in analysis.languages:
            self._demand(analysis, language)
        return [one for one in self._models if one.language in {*analysis.languages, ANY}]

    def _demand(self, analysis: Analysis, language: str) -> None:
        """Raises CannotAnalyse when no model of this language has a label for a name that is wanted."""
        asked = [one for one in self._models if one.language in {language, ANY}]
        found = {entity for one in asked for entity in entities(one.labels)}
        if lacking := sorted(MODELLED & {*analysis.entities} - {*analysis.counted} - found):
            names = ", ".join(lacking)
            raise CannotAnalyse(
                f"the policy asks for {names} in `{language}`, which the language model in use for it does not find "
                f"({', '.join(one.name for one in asked)}); use another model, or set {names} to `allow` in the "
                f"policies for `{language}`"
            )

    def _names(self, model: Model, analysis: Analysis) -> Names | None:
        """What the model is asked for; None: it finds nothing that is wanted."""
        wanted = set(entities(model.labels)) & {str(entity) for entity in analysis.entities}
        return Names(supported_entities=sorted(wanted)) if wanted else None

    def find(self, plan: Plan, text: str) -> tuple[Finding, ...]:
        """Within `zone`."""
        analysis = plan.analysis
        code = [] if analysis.code is Code.SCAN else fences(text)
        read = outside(text, code) if analysis.code is Code.SKIP else text
        claims = [claim for one in plan.ours for claim in one.find(read)]
        claims += plan.patterns.find(read)
        if plan.names:
            read = outside(text, code)
            for one in plan.names:
                claims += one.find(read)
        claims += again(read, claims)
        return resolve(claims, text, analysis)
