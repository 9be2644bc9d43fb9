"""Tool calls of an answer, brought to the one shape OpenAI's clients assemble.

A client joins fragments by `index` and concatenates every string it meets, so `id`, `type` and `name` may come once
only and `arguments` must always be a string. Servers differ: vLLM's first fragment has no `arguments`, TGI repeats
`id: "0"` in every fragment, some send several whole calls under one index, some send no id or arguments as an object.
"""

import hashlib
from typing import Any

import msgspec

from appliance.domain.ids import RequestId
from providers.failures import malformed

MAX_CALLS = 1024  # in one choice; more is not a dialogue but an attack on memory


def made_id(request: RequestId, choice: int, call: int) -> str:
    """An id for a call that came without one: the same for the same request, so that a replay is the same bytes."""
    return "call_" + hashlib.sha256(f"{request}/{choice}/{call}".encode()).hexdigest()[:24]


def arguments_text(arguments: Any) -> str:
    """Arguments as the JSON string OpenAI's dialogue has; an absent value is the empty string."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()


class ToolCalls:
    """The calls of one streamed choice. `own_ids`: the server's ids are not unique (TGI), ours are given instead."""

    __slots__ = ("_at", "_choice", "_given", "_own_ids", "_request")

    def __init__(self, request: RequestId, choice: int, *, own_ids: bool) -> None:
        self._request = request
        self._choice = choice
        self._own_ids = own_ids
        self._given: list[str | None] = []  # upstream's id of each call so far
        self._at: dict[int, int] = {}  # upstream's index -> ours, of the latest call under it

    def fragments(self, deltas: list[Any]) -> list[dict[str, Any]]:
        """The fragments of one event. Raises UpstreamError for what is not a list of them."""
        return [self._fragment(delta, position) for position, delta in enumerate(deltas)]

    def _fragment(self, delta: Any, position: int) -> dict[str, Any]:
        if not isinstance(delta, dict):
            raise malformed("a tool call is not an object")
        function = delta.get("function")
        if not isinstance(function, dict):
            function = {}
        index, given = delta.get("index"), delta.get("id")
        if not isinstance(index, int):
            index = position
        name = function.get("name")
        arguments = arguments_text(function.get("arguments"))
        ours = self._at.get(index)
        if ours is None or (given and name and given != self._given[ours]):
            return self._opened(index, given if isinstance(given, str) else None, name, arguments)
        later: dict[str, Any] = {"arguments": arguments}
        return {"index": ours, "function": later}

    def _opened(self, index: int, given: str | None, name: Any, arguments: str) -> dict[str, Any]:
        ours = len(self._given)
        if ours >= MAX_CALLS:
            raise malformed("more tool calls than an answer may hold")
        self._given.append(given)
        self._at[index] = ours
        shown = made_id(self._request, self._choice, ours) if self._own_ids or not given else given
        function = {"name": name if isinstance(name, str) else "", "arguments": arguments}
        return {"index": ours, "id": shown, "type": "function", "function": function}


def whole_calls(calls: list[Any], request: RequestId, choice: int, *, own_ids: bool) -> list[dict[str, Any]]:
    """The calls of a whole message, without `index`. Raises UpstreamError for what is not a list of calls."""
    shaped = []
    for position, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise malformed("a tool call without a function")
        given = call.get("id")
        shown = made_id(request, choice, position) if own_ids or not isinstance(given, str) or not given else given
        said = {"name": function["name"], "arguments": arguments_text(function.get("arguments"))}
        shaped.append({"id": shown, "type": "function", "function": said})
    return shaped
