"""Context words raise a weak match, by Presidio's rule, without its copies and its search from the text's start."""

from typing import Any, Final

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer

from appliance.redaction.worker.artifacts import Artifacts

_WORDS: Final = 5  # before the match


class Context(ContextAwareEnhancer):
    def __init__(self) -> None:
        super().__init__(0.35, 0.4, _WORDS, 0)

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: Artifacts,
        recognizers: list[EntityRecognizer],
        context: Any = None,
    ) -> list[RecognizerResult]:
        words = {one.id: tuple(word.lower() for word in one.context) for one in recognizers if one.context}
        for result in raw_results:
            wanted = words.get(result.recognition_metadata[RecognizerResult.RECOGNIZER_IDENTIFIER_KEY])
            if not wanted or result.score >= 1.0:
                continue
            before = nlp_artifacts.before(result.start, _WORDS)
            if any(word in near for near in before for word in wanted):
                raised = result.score + self.context_similarity_factor
                result.score = min(1.0, max(raised, self.min_score_with_context_similarity))
        return raw_results
