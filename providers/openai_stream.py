"""The decoder of an OpenAI-shaped event stream.

| bytes                              | event                                                     |
|------------------------------------|-----------------------------------------------------------|
| comment, empty event               | KeepAlive                                                 |
| chunk                              | Chunk, normalised                                         |
| error object, aborted choice       | Broken; all that follows is dropped                       |
| `[DONE]`, or the end of the body   | Finished when every choice seen has finished, else Broken |

Success is a seen finish: vLLM sends `[DONE]` after an error too, transformers never sends it, Ollama's shim just stops.

OpenAI tells usage in a last chunk without choices. Usage that rides on a chunk with choices (transformers' finish) is
told so as well; it stays where it is for a client that asked for it everywhere (vLLM's `continuous_usage_stats`).
"""

from collections.abc import Callable
from typing import Any, Final

from appliance.domain.upstream import (
    Broken,
    Call,
    Chunk,
    Failure,
    FailureKind,
    Finished,
    KeepAlive,
    StreamEvent,
    UpstreamError,
)
from providers.answers import StreamedChoices, usage_in
from providers.failures import Said, failed, malformed, read_json, said_in
from providers.sse import SseReader

KEEP_ALIVE: Final = KeepAlive()
FINISHED: Final = Finished()


class OpenAIStream:
    """A Decoder. `verdict` says what an error means; `own_ids`: tool-call ids of this server are not unique."""

    __slots__ = ("_choices", "_ended", "_everywhere", "_last", "_sse", "_verdict")

    def __init__(self, call: Call, verdict: Callable[[Said], Failure], *, own_ids: bool = False) -> None:
        self._verdict = verdict
        self._sse = SseReader()
        self._choices = StreamedChoices(call, own_ids=own_ids)
        options = call.body.get("stream_options")
        self._everywhere = isinstance(options, dict) and bool(options.get("continuous_usage_stats"))
        self._last: Chunk | None = None  # usage that rode, to be told at the end
        self._ended = False  # Broken or Finished was given

    def feed(self, data: bytes) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        if self._ended:
            return events
        for item in self._sse.feed(data):
            event = self._event(item) if item else KEEP_ALIVE
            if isinstance(event, Broken | Finished):
                self._ended = True
                return [*events, *self._ending(event)]
            events.append(event)
        if self._sse.fault is not None:
            self._ended = True
            events.append(Broken(malformed(self._sse.fault).failure))
        return events

    def end(self) -> list[StreamEvent]:
        if self._ended:
            return []
        self._ended = True
        return self._ending(self._close())

    def _event(self, item: bytes) -> StreamEvent:
        if item[:6] == b"[DONE]":
            return self._close()
        try:
            return self._chunk(read_json(item))
        except UpstreamError as e:
            return Broken(e.failure)

    def _chunk(self, body: Any) -> StreamEvent:
        if not isinstance(body, dict):
            raise malformed("an event that is not an object")
        if "choices" not in body or "error" in body:
            if (said := said_in(body)) is not None:
                return Broken(self._verdict(said))
            body.pop("error", None)
        speaks = self._choices.chunk(body)
        usage = usage_in(body) if "usage" in body else None
        if usage is not None and not self._everywhere:
            self._last = None
            if body["choices"]:
                self._last = Chunk({**body, "choices": []}, usage=usage)
                del body["usage"]
        return Chunk(body, speaks, usage)

    def _ending(self, event: StreamEvent) -> list[StreamEvent]:
        return [self._last, event] if self._last is not None and event is FINISHED else [event]

    def _close(self) -> StreamEvent:
        if self._choices.seen and not self._choices.open:
            return FINISHED
        return Broken(failed(FailureKind.INCOMPLETE, "the stream ended before every choice had finished").failure)
