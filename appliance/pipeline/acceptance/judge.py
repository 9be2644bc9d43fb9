"""A model asked for the names in our sentences, by a real worker: how many of those that are marked does it find?"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from appliance.domain.privacy import Analysis, Entity, Finding
from appliance.domain.privacy_entities import MODELLED
from appliance.pipeline.acceptance.sentences import Name, Sentence, read
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment

PATIENCE: Final = 60.0  # seconds
ENTITIES: Final = tuple(map(Entity, sorted(MODELLED)))


class Count(msgspec.Struct, frozen=True):
    """Of one entity."""

    marked: int
    found: int

    @property
    def missed(self) -> int:
        return self.marked - self.found


class Judged(msgspec.Struct, frozen=True):
    """What a model did with the sentences. `wrong`: findings where nothing is marked."""

    model: str  # as the worker calls it; empty: patterns only
    entities: Mapping[str, Count]
    wrong: int

    @property
    def total(self) -> Count:
        every = self.entities.values()
        return Count(sum(one.marked for one in every), sum(one.found for one in every))

    @property
    def acceptable(self) -> bool:
        """Whether it finds half of what is marked. Where nothing is marked, nobody can say so."""
        return self.total.marked > 0 and 2 * self.total.found >= self.total.marked


async def judge(command: Sequence[str], languages: Iterable[str]) -> Judged:
    """Ask a worker of its own, over the sentences of these languages. Raises RedactionUnavailable when none runs."""
    pool = PoolSettings(workers=1, deadline_s=PATIENCE, wait_s=PATIENCE)
    seen: list[tuple[Sentence, tuple[Finding, ...]]] = []
    async with PooledAnalyser(pool, command, environment()) as analyser:
        for language in languages:
            sentences = read(language)
            analysis = Analysis(entities=ENTITIES, counted=ENTITIES, languages=(language,))
            found = await analyser.find(analysis, [one.text for one in sentences])
            seen += zip(sentences, found, strict=True)
        return counted(analyser.model, seen)


def counted(model: str, seen: Sequence[tuple[Sentence, Sequence[Finding]]]) -> Judged:
    """A name counts as found when findings of its entity cover half of it: a masked surname is a masked name."""
    told = {str(entity): [0, 0] for entity in ENTITIES}
    wrong = 0
    for sentence, found in seen:
        for name in sentence.names:
            covered = sum(_overlap(name, one) for one in found if one.entity == name.entity)
            told[name.entity][0] += 1
            told[name.entity][1] += 2 * covered >= name.end - name.start
        wrong += sum(not any(_overlap(name, one) for name in sentence.names) for one in found)
    counts = {entity: Count(marked, caught) for entity, (marked, caught) in told.items() if marked}
    return Judged(model, counts, wrong)


def _overlap(name: Name, finding: Finding) -> int:
    """Characters."""
    return max(0, min(name.end, finding.end) - max(name.start, finding.start))
