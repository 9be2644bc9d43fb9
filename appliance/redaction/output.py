"""The way back of one answer: what the model itself says of people is treated, then placeholders are put back.

In that order, so that what the client has sent is not taken for a leak. A stream is held back by a window: a text is
said up to `window` characters before its end, so that whatever is no longer than that is seen whole; arguments of tool
calls, and everything under `output: buffer`, wait for their end. What was said already is looked at again as context.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from appliance.domain.errors import ContentBlocked
from appliance.domain.privacy import Action, Direction, Entity, Finding
from appliance.domain.privacy_policy import Guard, GuardAction, Output, Policy
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Body, Broken, Chunk, Finished, StreamEvent
from appliance.redaction.answers import Restoration
from appliance.redaction.guards import Trick
from appliance.redaction.guards.images import WINDOW as IMAGE_WINDOW
from appliance.redaction.guards.images import ImageWatch
from appliance.redaction.leaf import Leaf, Origin
from appliance.redaction.placeholders import Mask
from appliance.redaction.restore import BRACKETED, Table
from appliance.redaction.walk import answer_leaves, rewrite

Look = Callable[[Sequence[str]], Awaitable[list[tuple[Finding, ...]]]]
Key = str | tuple[str, int]  # a field of the message, or (`function` | `custom`, tool call)
_ENDS: Final = (")", " ", "\t", "\n", "\r", ">", '"', "'")  # of an image's address
_TEXTS: Final = ("content", "reasoning", "reasoning_content", "refusal")


class Outgoing:
    """One answer, whole or streamed. Bodies are changed in place where they can be."""

    def __init__(
        self, policy: Policy, restoration: Restoration, table: Table, mask: Mask, look: Look | None, told: Treatment
    ) -> None:
        """`mask` and `table` are the request's, once it is covered. `look` finds; None: nothing is looked for."""
        self._restoration = restoration
        self._table = table
        self._look = look
        self._told = told
        self._window = None if policy.output is Output.BUFFER else policy.window
        self._actions = {entity: rule.action for entity, rule in policy.rules if rule.direction is not Direction.IN}
        self._mask = mask.answering()
        self._images = policy.guards.action(Guard.IMAGES)
        self._hosts = frozenset(host.removeprefix("*").lower() for host in policy.guards.image_hosts)
        self._watches: dict[tuple[int, Key], ImageWatch] = {}
        self._unended: dict[tuple[int, Key], str] = {}
        self._held: dict[int, dict[Key, Held]] = {}
        self._counted: dict[tuple[Entity, Action], int] = {}

    async def whole(self, body: Body) -> Body:
        """Raises ContentBlocked, RedactionUnavailable: then nothing of the answer is given."""
        if self._images is not GuardAction.OFF:
            for number, leaf in enumerate(answer_leaves(body)):
                self._watch((number, leaf.where), leaf.text + " ")
        if self._look is not None:
            found = answer_leaves(body)
            told = await self._look(found.texts) if len(found) else []
            _drop_tokens(body)
            covered = [
                self._covered(leaf, self._outside(leaf.text, one)) for leaf, one in zip(found, told, strict=True)
            ]
            body = rewrite(found, covered)
        self._restoration.answer(body)
        self._told.restored = self._restoration.restored
        return body

    async def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """The same of a stream's next events. Nothing that is held is said when the stream breaks."""
        out: list[StreamEvent] = []
        for event in events:
            if isinstance(event, Chunk):
                await self._chunk(event.body)
            elif isinstance(event, Finished):
                out += [Chunk(body) for body in await self._rest()]
            out.append(event)
            if isinstance(event, Broken | Finished):
                self._told.restored = self._restoration.restored
        return out

    def _watch(self, which: tuple[int, Key], text: str) -> None:
        """Raises ContentBlocked for an image that a viewer would fetch from elsewhere: data leaves in its address."""
        watch, text = self._watches.get(which) or ImageWatch(self._hosts), self._unended.get(which, "") + text
        self._watches[which] = watch
        # Half of an address names half of a host. Nobody fetches it before it has ended.
        ends = max(map(text.rfind, _ENDS)) + 1 if len(text) < IMAGE_WINDOW else len(text)
        self._unended[which] = text[ends:]
        if watch.feed(text[:ends]):
            self._told.add(f"guard:{Trick.FOREIGN_IMAGE}", self._images.value, Direction.OUT)
            self._watches[which] = ImageWatch(self._hosts)  # the same image is told once
            if self._images is GuardAction.BLOCK:
                raise ContentBlocked(
                    "the answer holds an image of a host that the privacy policy of this key does not allow"
                )

    async def _chunk(self, body: Body) -> None:
        if self._images is not GuardAction.OFF:
            for choice in body.get("choices") or ():
                for key, inside, field in _spoken(choice):
                    self._watch((choice.get("index", 0), key), inside[field])
        if self._look is not None:
            _drop_tokens(body)
            due: list[tuple[Body, Key, Held]] = []
            for choice in body.get("choices") or ():
                held = self._held.setdefault(choice.get("index", 0), {})
                for key, inside, field in _spoken(choice):
                    held.setdefault(key, Held(self._size(key))).take(inside[field])
                    inside[field] = ""
                final = choice.get("finish_reason") is not None
                for key, one in held.items():
                    one.final = final
                    if one.due:
                        due.append((choice, key, one))
            await self._say(due)
        self._restoration.chunk(body)

    async def _rest(self) -> list[Body]:
        """What is still held of choices that never finished."""
        left: list[Body] = []
        due: list[tuple[Body, Key, Held]] = []
        for index, texts in sorted(self._held.items()):
            choice: Body = {"index": index, "finish_reason": None}
            choice["text" if "text" in texts else "delta"] = "" if "text" in texts else {}
            for key, one in texts.items():
                one.final = True
                if one.due:
                    due.append((choice, key, one))
            if due and due[-1][0] is choice:
                left.append({"choices": [choice]})
        await self._say(due)
        for body in left:
            self._restoration.chunk(body)
        rest = self._restoration.end()
        return left if rest is None else [*left, rest]

    async def _say(self, due: list[tuple[Body, Key, "Held"]]) -> None:
        if not due or self._look is None:
            return
        leaves = [_leaf(key, one.text) for _, key, one in due]
        found = await self._look([leaf.text for leaf in leaves])
        for (choice, key, one), leaf, places in zip(due, leaves, found, strict=True):
            kept = self._outside(leaf.text, places)
            if isinstance(key, str):
                said, kept = one.give(kept)
                text = self._covered(Leaf((), said, Origin.MODEL), kept)
            else:  # whole, and read as the JSON it is
                one.give(())
                text = self._covered(leaf, kept)
            _put(choice, key, text)

    def _size(self, key: Key) -> int | None:
        return None if isinstance(key, tuple) else self._window

    def _covered(self, leaf: Leaf, places: Sequence[Finding]) -> str:
        try:
            return self._mask.cover(leaf, places, self._actions.__getitem__)
        finally:
            for (entity, action), count in self._mask.counts.items():
                before = self._counted.get((entity, action), 0)
                if count > before:
                    self._told.add(entity, action, Direction.OUT, count - before)
                    self._counted[entity, action] = count

    def _outside(self, text: str, places: Sequence[Finding]) -> list[Finding]:
        """Findings less what of them is a placeholder of this request: that is no leak, and must come back whole."""
        if "[" not in text or not len(self._table):
            return list(places)
        own = [found.span() for found in BRACKETED.finditer(text) if self._table.begins(found[0][:-1])]
        return [part for place in places for part in _less(place, own, text)]


class Held:
    """One text of a stream: what was said of it, as context, and what is not yet."""

    __slots__ = ("_pending", "_size", "_tail", "final")

    def __init__(self, size: int | None) -> None:
        self._size = size  # None: to its end
        self._tail = ""
        self._pending = ""
        self.final = False

    def __repr__(self) -> str:
        return f"Held({len(self._pending)})"

    @property
    def due(self) -> bool:
        if self.final or not self._pending:
            return bool(self._pending)
        return self._size is not None and len(self._pending) >= 2 * self._size

    @property
    def text(self) -> str:
        """What has to be looked at."""
        return self._tail + self._pending

    def take(self, text: str) -> None:
        self._pending += text

    def give(self, places: Sequence[Finding]) -> tuple[str, list[Finding]]:
        """What may be said now, with the findings in it."""
        before, size = len(self._tail), self._size or 0
        cut = len(self._pending) if self.final else len(self._pending) - size
        mine: list[Finding] = []
        for one in places:
            start, end = max(0, one.start - before), one.end - before
            if end <= 0 or start >= cut:
                continue
            if end > cut and start > 0:  # it begins inside and ends beyond: it is seen whole the next time
                cut = start
                break
            cut = max(cut, end)
            mine.append(Finding(start, end, one.entity, one.score, one.sure))
        said, self._pending = self._pending[:cut], self._pending[cut:]
        self._tail = (self._tail + said)[-size:] if size else ""
        return said, mine


def _leaf(key: Key, text: str) -> Leaf:
    """Arguments come whole and are read as the JSON they are."""
    if isinstance(key, str):
        return Leaf((), text, Origin.MODEL)
    read = answer_leaves({"choices": [{"message": {"tool_calls": [{"function": {"arguments": text}}]}}]})
    return read[0] if len(read) else Leaf((), text, Origin.MODEL)


def _less(place: Finding, own: Sequence[tuple[int, int]], text: str) -> Iterator[Finding]:
    at = place.start
    for start, end in [*own, (place.end, place.end)]:
        if end <= at or start > place.end:
            continue
        stop = min(start, place.end)
        if stop > at and any(letter.isalnum() for letter in text[at:stop]):
            yield Finding(at, stop, place.entity, place.score, place.sure)
        at = max(at, end)


def _spoken(choice: Body) -> Iterator[tuple[Key, Body, str]]:
    """Every text of a choice: its key, and where it stands."""
    if isinstance(choice.get("text"), str):
        yield "text", choice, "text"
    said = choice.get("delta")
    if not isinstance(said, dict):
        return
    for name in _TEXTS:
        if isinstance(said.get(name), str):
            yield name, said, name
    called = said.get("function_call")
    if isinstance(called, dict) and isinstance(called.get("arguments"), str):
        yield ("function_call", 0), called, "arguments"
    for position, call in enumerate(said.get("tool_calls") or ()):
        for kind, field in (("function", "arguments"), ("custom", "input")):
            inner = call.get(kind)
            if isinstance(inner, dict) and isinstance(inner.get(field), str):
                yield (kind, call.get("index", position)), inner, field


def _put(choice: Body, key: Key, text: str) -> None:
    if not text:
        return
    if key == "text":
        choice["text"] = text
        return
    delta: Body = choice["delta"] if isinstance(choice.get("delta"), dict) else {}
    choice["delta"] = delta
    if isinstance(key, str):
        delta[key] = text
    elif key[0] == "function_call":
        delta.setdefault("function_call", {})["arguments"] = text
    else:
        _put_in_call(delta, key, text)


def _put_in_call(delta: Body, key: tuple[str, int], text: str) -> None:
    kind, index = key
    field = "input" if kind == "custom" else "arguments"
    calls: list[Any] = delta.setdefault("tool_calls", [])
    for position, call in enumerate(calls):
        if call.get("index", position) == index:
            call.setdefault(kind, {})[field] = text
            return
    calls.append({"index": index, kind: {field: text}})


def _drop_tokens(body: Body) -> None:
    """Their texts are cut anywhere, and would say what was taken out."""
    for given in (body, *(body.get("choices") or ())):
        for name in ("logprobs", "prompt_logprobs"):
            if given.get(name) is not None:
                given[name] = None
