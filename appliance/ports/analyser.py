"""Finding personal data in texts, away from the event loop."""

from collections.abc import Sequence
from typing import Protocol

from appliance.domain.privacy import Analysis, Finding


class Analyser(Protocol):
    """Analyses texts in worker processes. `tests/contract` holds what every implementation keeps."""

    async def find(self, analysis: Analysis, texts: Sequence[str]) -> list[tuple[Finding, ...]]:
        """One tuple for each text, in order: sorted by place, none overlapping another, all inside the text.

        The event loop never waits on CPU. Raises RedactionUnavailable: a deadline passed, a worker died, a recogniser
        failed or ran out of time, the model is not the one that was shipped, a text is too large, or no worker is left.
        Never a partial answer.
        """
        ...

    @property
    def model(self) -> str:
        """Name and short hash of the NER model that answers, for ledger and events; empty when patterns alone run."""
        ...
