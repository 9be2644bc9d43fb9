"""One request and its answer under a policy: looked at, covered, and restored on the way back."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Final

import msgspec

from appliance.domain.errors import RedactionUnavailable, Unable
from appliance.domain.privacy import Analysis, Direction, Finding
from appliance.domain.privacy_entities import MODELLED
from appliance.domain.privacy_policy import Guard, GuardAction, Policy
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Body, Kind
from appliance.ports.analyser import Analyser
from appliance.redaction.answers import Restoration, style_of
from appliance.redaction.guarding import guarded
from appliance.redaction.leaf import Leaves
from appliance.redaction.output import Look, Outgoing
from appliance.redaction.placeholders import Keys, Mask
from appliance.redaction.policy.resolve import InForce
from appliance.redaction.walk import leaves, rewrite

KEEP_LINE: Final = (
    "Words in square brackets such as [PERSON_1] stand for values that were left out. "
    "Where you mean one, repeat it exactly as it is written, brackets included."
)


class Covered(msgspec.Struct, frozen=True):
    """A request as it may be sent, and what its answer has to go through; None: it goes through as it is."""

    body: Body
    answer: Outgoing | None


class Redactor:
    """Holds what requests share. Nothing of a request outlives it."""

    def __init__(self, analyser: Analyser, keys: Keys) -> None:
        self._analyser = analyser
        self._keys = keys

    async def request(self, kind: Kind, body: Body, rules: InForce, told: Treatment) -> Covered:
        """Raises ContentBlocked, naming entity and place; RedactionUnavailable when a text could not be analysed."""
        found = leaves(kind, body, rules.policy.media)
        guarded(found, rules.policy, told)
        mask = Mask(kind, self._keys)
        sent = found.body
        if rules.way_in is not None:
            sent = await self._covered(found, mask, rules, told)
        return self.sent(kind, sent, mask, rules, told)

    def sent(self, kind: Kind, body: Body, mask: Mask, rules: InForce, told: Treatment) -> Covered:
        """With the line that asks for placeholders, and the way back."""
        told.emitted = mask.emitted
        table = mask.table()
        watched = rules.policy.guards.action(Guard.IMAGES) is not GuardAction.OFF and kind is not Kind.EMBEDDINGS
        if not len(table) and rules.way_out is None and not watched:
            return Covered(body, None)
        if len(table) and rules.policy.keep_line and kind is Kind.CHAT:
            body = with_line(body)
        restoration = Restoration(table, style_of(body))
        look = None if rules.way_out is None else self._looking(rules.way_out, rules.policy, told)
        return Covered(body, Outgoing(rules.policy, restoration, table, mask, look, told))

    async def _covered(self, found: Leaves, mask: Mask, rules: InForce, told: Treatment) -> Body:
        policy = rules.policy
        texts = found.texts
        if sum(map(len, texts)) > policy.most_characters:
            raise RedactionUnavailable(
                f"the texts of this request are longer than the {policy.most_characters} characters that are looked at",
                why=Unable.LENGTH,
            )
        findings = await self._looking(rules.way_in, policy, told)(texts) if rules.way_in is not None and texts else []
        actions = {entity: rule.action for entity, rule in policy.rules}
        mask.reserve(found.fixed)
        try:
            covered = [
                mask.cover(leaf, places, actions.__getitem__) for leaf, places in zip(found, findings, strict=True)
            ]
        finally:  # a blocked request has its counts too
            for (entity, action), count in mask.counts.items():
                told.add(entity, action, Direction.IN, count)
        return rewrite(found, covered)

    def _looking(self, analysis: Analysis, policy: Policy, told: Treatment) -> Look:
        named = MODELLED.intersection(analysis.entities) if analysis.model else frozenset()

        async def look(texts: Sequence[str]) -> list[tuple[Finding, ...]]:
            began = perf_counter()
            try:
                async with asyncio.timeout(policy.deadline):
                    found = await self._analyser.find(analysis, texts)
            except TimeoutError:
                raise RedactionUnavailable(
                    f"the analysis took longer than the {policy.deadline:g} s that the privacy policy gives it",
                    why=Unable.DEADLINE,
                ) from None
            finally:
                told.seconds += perf_counter() - began
            told.analyser = self._analyser.model or None
            if named and told.analyser is None:
                raise RedactionUnavailable(
                    f"the privacy policy asks for {', '.join(sorted(named))}, which only a language model finds, and "
                    "none is installed; install it, or say `model: false`",
                    why=Unable.MODEL,
                )
            return found

        return look


def with_line(body: Body) -> Body:
    """The request with one system line more: behind the first system message, as many templates take only one."""
    messages = list(body["messages"])
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    if first.get("role") in {"system", "developer"}:
        content = first.get("content")
        if isinstance(content, list):
            messages[0] = {**first, "content": [*content, {"type": "text", "text": KEEP_LINE}]}
        else:
            messages[0] = {**first, "content": f"{content}\n\n{KEEP_LINE}" if content else KEEP_LINE}
    else:
        messages.insert(0, {"role": "system", "content": KEEP_LINE})
    return {**body, "messages": messages}
