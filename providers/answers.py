"""Answers in OpenAI's shape: what every server's chunks and messages are brought to.

Both names for a thought, `reasoning` and `reasoning_content`, are given; a foreign finish reason becomes OpenAI's; keys
OpenAI does not know are dropped when null, and always when they tell of the upstream's host.
"""

from typing import Any, Final

from appliance.domain.upstream import Body, Call, FailureKind, Kind
from appliance.domain.usage import Usage
from providers.failures import failed, malformed
from providers.tool_calls import ToolCalls, whole_calls

MAX_CHOICES = 1024
_MAX_TOKENS = 10**12  # a count beyond this is a lie, not a count

_CHUNK_KEYS: Final = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"}
)
_CHOICE_KEYS: Final = frozenset({"index", "delta", "message", "text", "logprobs", "finish_reason"})
_DELTA_KEYS: Final = frozenset({"content", "role", "refusal"})
# Host paths, peers' addresses, rendered prompts: never a client's business, whatever it asked for.
_TELLTALE: Final = frozenset(
    {"root", "kv_transfer_params", "__verbose", "model_path", "remote_host", "remote_model", "generation_settings"}
)
_FINISH: Final = {"eos_token": "stop", "stop_sequence": "stop", "eos": "stop"}
_FAILED: Final = frozenset({"abort", "error"})  # vLLM and SGLang: the engine gave up on this request


def usage_in(body: Body) -> Usage | None:
    """The usage an answer or chunk reports; None when it reports nothing, or only zeros."""
    given = body.get("usage")
    if not isinstance(given, dict):
        return None
    prompt, completion = _count(given.get("prompt_tokens")), _count(given.get("completion_tokens"))
    if not prompt and not completion:
        return None
    return Usage(
        prompt,
        completion,
        min(prompt, _detail(given.get("prompt_tokens_details"), "cached_tokens")),
        min(completion, _detail(given.get("completion_tokens_details"), "reasoning_tokens")),
    )


def usage_object(usage: Usage) -> dict[str, int]:
    """Usage as OpenAI writes it."""
    return {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion, "total_tokens": usage.total}


def drop_foreign(given: Body, known: frozenset[str]) -> None:
    """Remove, in place, telltale keys and null keys OpenAI does not know."""
    for key in given.keys() - known:
        if given[key] is None or key in _TELLTALE:
            del given[key]


def finish_reason(given: Any, *, called: bool, named: bool) -> str | None:
    """OpenAI's word for why a choice finished; None while it has not.

    `called`: it made tool calls; `named`: the client named the function, and then OpenAI too says `stop`.
    Raises UpstreamError: GENERATION for an aborted generation, PROTOCOL for what is no reason at all.
    """
    if given is None:
        return None
    if not isinstance(given, str):
        raise malformed("a finish reason that is not text")
    if given in _FAILED:
        raise failed(FailureKind.GENERATION, "the engine aborted the generation")
    reason = _FINISH.get(given, given)
    return "tool_calls" if called and not named and reason == "stop" else reason


def set_reasoning(given: Body) -> bool:
    """Give both names to a thought, in place; nulls go. True when there is a thought."""
    thought = given.pop("reasoning", None)
    twin = given.pop("reasoning_content", None)
    thought = thought if thought is not None else twin
    if not isinstance(thought, str):
        return False
    given["reasoning"] = thought
    given["reasoning_content"] = thought
    return thought != ""


class StreamedChoices:
    """The choices of one stream: normalises each chunk in place and knows which choices have not finished."""

    __slots__ = ("_call", "_chat", "_named", "_object", "_own_ids", "_tools", "open", "seen")

    def __init__(self, call: Call, *, own_ids: bool = False) -> None:
        self._call = call
        self._chat = call.kind is Kind.CHAT
        self._object = "chat.completion.chunk" if self._chat else "text_completion"
        self._named = isinstance(call.body.get("tool_choice"), dict)
        self._own_ids = own_ids
        self._tools: dict[int, ToolCalls] = {}
        self.seen: set[int] = set()
        self.open: set[int] = set()  # seen, not finished

    def chunk(self, body: Body) -> bool:
        """Normalise a chunk in place. True when it speaks. Raises UpstreamError."""
        choices = body.get("choices")
        if not isinstance(choices, list):
            raise malformed("a chunk without choices")
        if not body.keys() <= _CHUNK_KEYS:
            drop_foreign(body, _CHUNK_KEYS)
        if body.get("usage", False) is None:
            del body["usage"]
        body["object"] = self._object
        speaks = False
        for choice in choices:
            speaks |= self._choice(choice)
        return speaks

    def _choice(self, choice: Any) -> bool:
        if not isinstance(choice, dict):
            raise malformed("a choice that is not an object")
        index = choice.setdefault("index", 0)
        if type(index) is not int or not 0 <= index < MAX_CHOICES:
            raise malformed("a choice with an impossible index")
        if not choice.keys() <= _CHOICE_KEYS:
            drop_foreign(choice, _CHOICE_KEYS)
        first = index not in self.seen
        if first:
            self.seen.add(index)
            self.open.add(index)
        speaks = self._delta(choice, index, first=first) if self._chat else _spoken(choice.setdefault("text", ""))
        given = choice.setdefault("finish_reason", None)
        if given is not None:
            choice["finish_reason"] = finish_reason(given, called=index in self._tools, named=self._named)
            self.open.discard(index)
        return speaks

    def _delta(self, choice: Body, index: int, *, first: bool) -> bool:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            if delta is not None:
                raise malformed("a delta that is not an object")
            delta = choice["delta"] = {}
        if not first and "role" in delta:
            del delta["role"]  # a client would concatenate it
        speaks = _spoken(delta.get("content"))
        if delta.keys() <= _DELTA_KEYS:
            return speaks or bool(delta.get("refusal"))
        if "reasoning" in delta or "reasoning_content" in delta:
            speaks |= set_reasoning(delta)
        calls = delta.get("tool_calls")
        if calls:
            if not isinstance(calls, list):
                raise malformed("tool calls that are not a list")
            tools = self._tools.get(index)
            if tools is None:
                tools = self._tools[index] = ToolCalls(self._call.request_id, index, own_ids=self._own_ids)
            delta["tool_calls"] = tools.fragments(calls)
            speaks = True
        elif "tool_calls" in delta:
            del delta["tool_calls"]
        drop_foreign(delta, _DELTA_KEYS)
        return speaks or bool(delta.get("refusal") or delta.get("function_call") or delta.get("audio"))


def whole(body: Body, call: Call, *, own_ids: bool = False) -> Body:
    """Normalise a whole chat or completion answer in place and give it back.

    Raises UpstreamError: PROTOCOL when it is none, INCOMPLETE when a choice has not finished, GENERATION when one
    was aborted.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise malformed("an answer without choices")
    drop_foreign(body, _CHUNK_KEYS)
    body["object"] = "chat.completion" if call.kind is Kind.CHAT else "text_completion"
    named = isinstance(call.body.get("tool_choice"), dict)
    for position, choice in enumerate(choices):
        if not isinstance(choice, dict):
            raise malformed("a choice that is not an object")
        drop_foreign(choice, _CHOICE_KEYS)
        choice.setdefault("index", position)
        if call.kind is Kind.CHAT:
            called = _message(choice, call, position, own_ids=own_ids)
        else:
            called = False
            if not isinstance(choice.get("text"), str):
                raise malformed("a choice without text")
        reason = finish_reason(choice.get("finish_reason"), called=called, named=named)
        if reason is None:
            raise failed(FailureKind.INCOMPLETE, "the answer holds a choice that has not finished")
        choice["finish_reason"] = reason
    return body


def _message(choice: Body, call: Call, position: int, *, own_ids: bool) -> bool:
    """Normalise the message of a whole choice in place. True when it makes tool calls."""
    message = choice.get("message")
    if not isinstance(message, dict):
        raise malformed("a choice without a message")
    set_reasoning(message)
    message.setdefault("role", "assistant")
    message.setdefault("content", None)
    calls = message.pop("tool_calls", None)
    if calls:
        if not isinstance(calls, list):
            raise malformed("tool calls that are not a list")
        message["tool_calls"] = whole_calls(calls, call.request_id, position, own_ids=own_ids)
    drop_foreign(message, _DELTA_KEYS)
    return bool(calls)


def _spoken(text: Any) -> bool:
    if text is not None and not isinstance(text, str):
        raise malformed("text that is not text")
    return bool(text)


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < _MAX_TOKENS else 0


def _detail(details: Any, name: str) -> int:
    return _count(details.get(name)) if isinstance(details, dict) else 0
