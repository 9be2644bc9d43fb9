"""Answers with their placeholders put back: whole ones, and streams chunk by chunk, with the same result."""

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, Final

from appliance.domain.upstream import Body
from appliance.redaction.restore import JsonRestorer, Restorer, Table

_TEXTS: Final = ("content", "reasoning", "reasoning_content", "refusal")
_TOKENS: Final = ("logprobs", "prompt_logprobs")  # they hold the text of tokens, which is cut anywhere
_CALLS: Final = (("function", "arguments"), ("custom", "input"))
Key = str | tuple[str, int]  # a field of the message, or (`function` | `custom`, tool call)


class Style(Enum):
    """What an answer's text is: a value lands in JSON in its escaped form."""

    PROSE = Restorer
    JSON = JsonRestorer


def style_of(body: Body) -> Style:
    """What a request asks its answer's text to be."""
    given = body.get("response_format")
    if isinstance(given, dict) and given.get("type") in ("json_object", "json_schema"):
        return Style.JSON
    shape = body.get("structured_outputs")
    if isinstance(shape, dict) and (shape.get("json") is not None or shape.get("json_object")):
        return Style.JSON
    return Style.PROSE if body.get("guided_json") is None else Style.JSON


class Restoration:
    """The answer to one request. Bodies are changed in place: an answer has one reader."""

    __slots__ = ("_choices", "_style", "_table")

    def __init__(self, table: Table, style: Style = Style.PROSE) -> None:
        self._table = table
        self._style = style
        self._choices: dict[int, dict[Key, Restorer]] = {}

    @property
    def restored(self) -> int:
        """How many of the request's placeholders came back."""
        return len(self._table.restored)

    def answer(self, body: Body) -> None:
        """Restore a whole answer."""
        if len(self._table):
            _drop_tokens(body)
            for choice in body.get("choices") or ():
                _drop_tokens(choice)
                _each(choice, "message", self._whole)

    def chunk(self, body: Body) -> None:
        """Restore what can be said by now; the end of a choice brings what was held of it."""
        if not len(self._table):
            return
        _drop_tokens(body)
        for choice in body.get("choices") or ():
            _drop_tokens(choice)
            index = choice.get("index", 0)
            texts = self._choices.get(index)
            if texts is None:
                texts = self._choices[index] = {}
            _each(choice, "delta", partial(self._feed, texts))
            if choice.get("finish_reason") is not None:
                _append(choice, texts)

    def end(self) -> Body | None:
        """What is still held of choices that never finished, as the body of one more chunk; None when that is nothing.

        To be called when the stream has ended, however it ended.
        """
        left = []
        for index, texts in sorted(self._choices.items()):
            choice: Body = {"index": index, "finish_reason": None}
            choice["text" if "text" in texts else "delta"] = "" if "text" in texts else {}
            if _append(choice, texts):
                left.append(choice)
        return {"choices": left} if left else None

    def _feed(self, texts: dict[Key, Restorer], key: Key, text: str) -> str:
        restorer = texts.get(key)
        if restorer is None:
            restorer = texts[key] = self._made(key)
        return restorer.feed(text)

    def _made(self, key: Key) -> Restorer:
        if isinstance(key, tuple) and key[0] != "custom":
            return JsonRestorer(self._table)
        return self._style.value(self._table) if key in {"content", "text"} else Restorer(self._table)

    def _whole(self, key: Key, text: str) -> str:
        restorer = self._made(key)
        return restorer.feed(text) + restorer.end()


def _drop_tokens(given: Body) -> None:
    for name in _TOKENS:
        if given.get(name) is not None:
            given[name] = None


def _each(choice: Body, where: str, restored: Callable[[Key, str], str]) -> None:
    """Every text of a choice through `restored`, in place."""
    text = choice.get("text")
    if text:
        choice["text"] = restored("text", text)
    said = choice.get(where)
    if not said:
        return
    for name in _TEXTS:
        text = said.get(name)
        if type(text) is str and text:
            said[name] = restored(name, text)
        elif type(text) is list:  # parts, as some servers answer
            _each_part(text, name, restored)
    called = said.get("function_call")
    if called:
        _one(called, "arguments", ("function_call", 0), restored)
    for position, call in enumerate(said.get("tool_calls") or ()):
        for kind, field in _CALLS:
            if inner := call.get(kind):
                _one(inner, field, (kind, call.get("index", position)), restored)


def _each_part(parts: list[Any], name: str, restored: Callable[[Key, str], str]) -> None:
    for part in parts:
        if isinstance(part, dict):
            _one(part, "text", name, restored)


def _one(inner: Body, field: str, key: Key, restored: Callable[[Key, str], str]) -> None:
    text = inner.get(field)
    if type(text) is str and text:
        inner[field] = restored(key, text)


def _append(choice: Body, texts: dict[Key, Restorer]) -> bool:
    """What restorers still hold goes behind what the choice says. True when there was anything."""
    said = False
    for key, restorer in texts.items():
        rest = restorer.end()
        if not rest:
            continue
        said = True
        if key == "text":
            choice["text"] = (choice.get("text") or "") + rest
            continue
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = choice["delta"] = {}
        if isinstance(key, str):
            delta[key] = (delta.get(key) or "") + rest
        elif key[0] == "function_call":
            called = delta.setdefault("function_call", {})
            called["arguments"] = (called.get("arguments") or "") + rest
        else:
            _append_to_call(delta, key, rest)
    return said


def _append_to_call(delta: Body, key: tuple[str, int], rest: str) -> None:
    kind, index = key
    field = "input" if kind == "custom" else "arguments"
    calls: list[Any] = delta.setdefault("tool_calls", [])
    for position, call in enumerate(calls):
        if call.get("index", position) == index:
            inner = call.setdefault(kind, {})
            inner[field] = (inner.get(field) or "") + rest
            return
    calls.append({"index": index, kind: {field: rest}})
