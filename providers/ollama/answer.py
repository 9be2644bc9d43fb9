"""From Ollama's native answers to OpenAI's: streamed lines, whole objects, embeddings.

A stream is a row of JSON lines; the last has `done: true` and the counts. An `error` line may come at any time; an end
without `done` is a failure. A `remote_host` in an answer means that somebody else's cloud has read the prompt: it is
never passed on.
"""

from typing import Any, Final

import msgspec

from appliance.domain.upstream import (
    Body,
    Broken,
    Call,
    Chunk,
    Failure,
    FailureKind,
    Finished,
    KeepAlive,
    Kind,
    StreamEvent,
    UpstreamError,
    WholeAnswer,
)
from appliance.domain.usage import Usage
from providers.answers import finish_reason, usage_object
from providers.embeddings import shaped
from providers.failures import failed, failure, malformed, read_json, said_in
from providers.ndjson import NdjsonReader
from providers.tool_calls import made_id, whole_calls

_KEEP_ALIVE: Final = KeepAlive()
_FINISHED: Final = Finished()
_OBJECT: Final = {Kind.CHAT: "chat.completion", Kind.COMPLETION: "text_completion"}
_STREAMED: Final = {Kind.CHAT: "chat.completion.chunk", Kind.COMPLETION: "text_completion"}


class Embedded(msgspec.Struct):
    """An answer of `/api/embed`."""

    embeddings: list[list[float]]
    prompt_eval_count: int = 0
    remote_host: str | None = None
    remote_model: str | None = None


_EMBEDDED: Final = msgspec.json.Decoder(Embedded)


class OllamaStream:
    """A Decoder for `/api/chat` and `/api/generate`."""

    __slots__ = ("_call", "_calls", "_ended", "_lines", "_offset", "_started")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lines = NdjsonReader()
        self._started = False  # the role was given
        self._calls = 0  # tool calls given
        self._offset = 0  # characters of text given, for a completion's logprobs
        self._ended = False  # Broken or Finished was given

    def feed(self, data: bytes) -> list[StreamEvent]:
        return [] if self._ended else self._events(self._lines.feed(data))

    def end(self) -> list[StreamEvent]:
        if self._ended:
            return []
        rest = [line for line in self._lines.end() if _complete(line)]  # a last line may lack its line end, not its end
        events = self._events(rest)
        if not self._ended:
            self._ended = True
            events.append(Broken(failed(FailureKind.INCOMPLETE, "the stream ended before the answer was done").failure))
        return events

    def _events(self, lines: list[bytes]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for line in lines:
            try:
                events += self._line(_checked(read_json(line)))
            except UpstreamError as e:
                events.append(Broken(e.failure))
            if isinstance(events[-1], Broken | Finished):
                self._ended = True
                return events
        if self._lines.fault is not None:
            self._ended = True
            events.append(Broken(malformed(self._lines.fault).failure))
        return events

    def _line(self, line: Body) -> list[StreamEvent]:
        choice = self._delta(line) if self._call.kind is Kind.CHAT else self._text(line)
        speaks = bool(choice.pop("speaks"))
        if line.get("done") is not True:
            if not speaks and self._started:
                return [_KEEP_ALIVE]
            self._started = True
            return [Chunk(self._chunk([{**choice, "finish_reason": None}]), speaks)]
        reason = _reason(line, self._call, called=self._calls > 0)
        events: list[StreamEvent] = [Chunk(self._chunk([{**choice, "finish_reason": reason}]), speaks)]
        usage = _usage(line)
        if usage is not None:
            body = self._chunk([])
            body["usage"] = usage_object(usage)
            events.append(Chunk(body, speaks=False, usage=usage))
        events.append(_FINISHED)
        return events

    def _delta(self, line: Body) -> Body:
        said, logprobs = _message(line), _logprobs(line)
        delta: Body = {} if self._started else {"role": "assistant", "content": ""}
        if said.content:
            delta["content"] = said.content
        if said.thinking:
            delta["reasoning"] = delta["reasoning_content"] = said.thinking
        if said.tool_calls:
            calls = whole_calls(said.tool_calls, self._call.request_id, 0, own_ids=False)
            pairs = zip(calls, said.tool_calls, strict=True)
            delta["tool_calls"] = [self._numbered(call, given) for call, given in pairs]
        speaks = bool(said.content or said.thinking or said.tool_calls)
        return {"index": 0, "delta": delta, "logprobs": {"content": logprobs} if logprobs else None, "speaks": speaks}

    def _numbered(self, call: Body, given: Body) -> Body:
        at = self._calls
        self._calls += 1
        shown = call["id"] if given.get("id") else made_id(self._call.request_id, 0, at)
        return {"index": at, **call, "id": shown}

    def _text(self, line: Body) -> Body:
        text = _response(line)
        logprobs = _legacy_logprobs(_logprobs(line), self._offset)
        self._offset += len(text)
        return {"index": 0, "text": text, "logprobs": logprobs, "speaks": text != ""}

    def _chunk(self, choices: list[Body]) -> Body:
        return {"id": "", "object": _STREAMED[self._call.kind], "created": 0, "model": "", "choices": choices}


class Said(msgspec.Struct):
    """The message of a chat line."""

    content: str = ""
    thinking: str = ""
    tool_calls: list[dict[str, Any]] = []


def _complete(line: bytes) -> bool:
    try:
        read_json(line)
    except UpstreamError:
        return False
    return True


def whole(call: Call, body: bytes) -> WholeAnswer:
    """A whole answer. Raises UpstreamError."""
    if call.kind is Kind.EMBEDDINGS:
        return _embeddings(call, body)
    given = _checked(read_json(body))
    if given.get("done") is not True:
        raise failed(FailureKind.INCOMPLETE, "the answer is not done")
    called = False
    choice: Body = {"index": 0}
    logprobs = _logprobs(given)
    if call.kind is Kind.CHAT:
        said = _message(given)
        called = bool(said.tool_calls)
        choice["message"] = _whole_message(said, call)
        choice["logprobs"] = {"content": logprobs} if logprobs else None
    else:
        choice["text"] = _response(given)
        choice["logprobs"] = _legacy_logprobs(logprobs, 0)
    choice["finish_reason"] = _reason(given, call, called=called)
    answer: Body = {"id": "", "object": _OBJECT[call.kind], "created": 0, "model": "", "choices": [choice]}
    usage = _usage(given)
    if usage is not None:
        answer["usage"] = usage_object(usage)
    return WholeAnswer(answer, usage)


def classify_text(told: Failure) -> Failure:
    """Mend a failure whose kind only its text tells: a model that went away while a stream was being made."""
    if told.kind is FailureKind.GENERATION and told.message.startswith("model ") and "not found" in told.message:
        return msgspec.structs.replace(told, kind=FailureKind.NOT_FOUND)
    return told


def _embeddings(call: Call, body: bytes) -> WholeAnswer:
    try:
        read = _EMBEDDED.decode(body)
    except (ValueError, RecursionError) as e:
        _checked(read_json(body))
        raise malformed("embeddings in an unknown shape") from e
    if read.remote_host or read.remote_model:
        raise _remote()
    count = read.prompt_eval_count
    usage = Usage(count) if count > 0 else None
    return WholeAnswer(shaped(list(read.embeddings), call, usage), usage)


def _checked(line: Any) -> Body:
    """A line that is an object, no error, and was answered here. Raises UpstreamError."""
    if not isinstance(line, dict):
        raise malformed("a line that is not an object")
    if line.get("error") is not None and (said := said_in(line)) is not None:
        raise UpstreamError(classify_text(failure(said, None)))
    if line.get("remote_host") or line.get("remote_model"):
        raise _remote()
    return line


def _remote() -> UpstreamError:
    return failed(FailureKind.PROTOCOL, "the model is answered by a remote cloud, not by this endpoint")


def _message(line: Body) -> Said:
    given = line.get("message")
    if given is None and line.get("done") is True:
        return Said()
    if not isinstance(given, dict):
        raise malformed("a line without a message")
    try:
        return msgspec.convert({name: value for name, value in given.items() if value is not None}, Said)
    except msgspec.ValidationError as e:
        raise malformed("a message in an unknown shape") from e


def _whole_message(said: Said, call: Call) -> Body:
    message: Body = {"role": "assistant", "content": said.content}
    if said.thinking:
        message["reasoning"] = message["reasoning_content"] = said.thinking
    if said.tool_calls:
        message["tool_calls"] = whole_calls(said.tool_calls, call.request_id, 0, own_ids=False)
        message["content"] = said.content or None
    return message


def _response(line: Body) -> str:
    text = line.get("response", "")
    if not isinstance(text, str):
        raise malformed("text that is not text")
    return text


def _reason(line: Body, call: Call, *, called: bool) -> str:
    given = line.get("done_reason") or "stop"  # absent before 0.1.39
    if given in ("load", "unload"):  # a tuple: what is given may be anything
        raise malformed("no answer: it only moved the model in or out of memory")
    named = isinstance(call.body.get("tool_choice"), dict)
    return finish_reason(given, called=called, named=named) or "stop"


def _usage(line: Body) -> Usage | None:
    """The counts of a last line; None without a prompt count, which is left out when zero or wholly cached."""
    prompt, completion = line.get("prompt_eval_count"), line.get("eval_count", 0)
    if type(prompt) is not int or type(completion) is not int or prompt <= 0 or completion < 0:
        return None
    return Usage(prompt, completion)


def _logprobs(line: Body) -> list[Body]:
    given = line.get("logprobs")
    if not given:
        return []
    if not isinstance(given, list):
        raise malformed("logprobs that are not a list")
    return [{**_logprob(one), "top_logprobs": [_logprob(top) for top in _tops(one)]} for one in given]


def _tops(one: Any) -> list[Any]:
    tops = one.get("top_logprobs") if isinstance(one, dict) else None
    return tops if isinstance(tops, list) else []


def _logprob(given: Any) -> Body:
    token = given.get("token") if isinstance(given, dict) else None
    if not isinstance(token, str):
        raise malformed("a logprob without its token")
    return {"token": token, "logprob": given.get("logprob"), "bytes": given.get("bytes")}


def _legacy_logprobs(given: list[Body], offset: int) -> Body | None:
    """Logprobs as `/v1/completions` has them: rows side by side."""
    if not given:
        return None
    offsets = []
    for one in given:
        offsets.append(offset)
        offset += len(one["token"])
    return {
        "tokens": [one["token"] for one in given],
        "token_logprobs": [one["logprob"] for one in given],
        "top_logprobs": [{top["token"]: top["logprob"] for top in one["top_logprobs"]} for one in given],
        "text_offset": offsets,
    }
