"""The stream to the client: our id, the public model name, usage metered, one clear end."""

import msgspec

from appliance.domain.ids import RequestId
from appliance.domain.ledger import Status
from appliance.domain.upstream import Body, Broken, Chunk, Finished, KeepAlive, Kind
from appliance.domain.usage import Usage
from appliance.domain.view import View
from appliance.pipeline.merge import usage_object
from appliance.pipeline.settlement import Settlement
from appliance.pipeline.stream import AnswerStream
from appliance.redaction.output import Outgoing

KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
CHARACTERS_PER_TOKEN = 4
OURS = {Kind.CHAT: "chatcmpl-", Kind.COMPLETION: "cmpl-", Kind.EMBEDDINGS: "embd-"}
OBJECTS = {Kind.CHAT: "chat.completion.chunk", Kind.COMPLETION: "text_completion"}

_encode = msgspec.json.Encoder().encode


def answer_id(kind: Kind, request_id: RequestId) -> str:
    """The `id` of an answer: the request's own, so that a support question needs one number."""
    return OURS[kind] + request_id.removeprefix("req_")


def error_event(message: str, kind: str, code: str) -> bytes:
    """The one event that ends a broken stream. SDKs raise on it."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return b"data: " + _encode({"error": error}) + b"\n\n"


class Relay:
    """Turns stream events into bytes for one client. `ended` says how it went, once it has."""

    __slots__ = (
        "_answer",
        "_case",
        "_created",
        "_id",
        "_model",
        "_object",
        "_pieces",
        "_said",
        "_stream",
        "_text",
        "_unwanted",
        "_wants_usage",
        "ended",
        "error",
    )

    def __init__(
        self,
        stream: AnswerStream,
        view: View,
        case: Settlement,
        unwanted: str | None = None,
        answer: Outgoing | None = None,
    ) -> None:
        """`answer` is what events go through before anybody sees them; it may hold them back, or refuse."""
        self._answer = answer
        self._unwanted = unwanted
        self._stream = stream
        self._case = case
        self._id = answer_id(view.kind, case.request_id)
        self._model = view.model
        self._object = OBJECTS[view.kind]
        self._created = int(case.arrived.timestamp())
        self._wants_usage = view.wants_usage
        self._said = False  # the server told its usage
        self._pieces = 0
        self._text = 0
        self.ended: Status | None = None
        self.error: str | None = None

    async def next(self) -> bytes:
        """The next bytes for the client; empty when the stream has ended.

        Raises ContentBlocked and RedactionUnavailable where the answer is looked at.
        """
        while self.ended is None:
            events = await self._stream.next()
            if self._answer is not None:
                events = await self._answer.events(events)
            out = [piece for event in events if (piece := self._piece(event))]
            if out:
                return out[0] if len(out) == 1 else b"".join(out)
        return b""

    def _piece(self, event: object) -> bytes:
        if type(event) is Chunk:
            return self._chunk(event)
        if type(event) is KeepAlive:
            return KEEP_ALIVE
        if type(event) is Finished:
            return self._finish()
        if type(event) is Broken:
            self.ended, self.error = Status.FAILED, "upstream_failed"
            self._estimate()
            text = "the model server broke off; what came so far is not the whole answer"
            return error_event(text, "server_error", "upstream_failed")
        return b""

    def _chunk(self, event: Chunk) -> bytes:
        body = event.body
        if event.usage is not None:
            self._said = True
            self._case.usage = event.usage
            if not self._wants_usage:
                body.pop("usage", None)
                if not body.get("choices"):
                    return b""
        if event.speaks:
            self._case.speaks()
            self._pieces += 1
            if not self._said:
                self._text += _length(body)
        if self._unwanted is not None:
            drop_reasoning(body, "delta", self._unwanted)
        return self._encoded(body)

    def _encoded(self, body: Body) -> bytes:
        body.pop("system_fingerprint", None)  # names the server's build
        body["id"] = self._id
        body["model"] = self._model
        body["object"] = self._object
        body["created"] = self._created
        return b"data: " + _encode(body) + b"\n\n"

    def _finish(self) -> bytes:
        self.ended = Status.OK
        estimated = not self._said
        self._estimate()
        if not (estimated and self._wants_usage):
            return DONE
        body: Body = {"choices": [], "usage": usage_object(self._case.usage)}
        return self._encoded(body) + DONE

    def _estimate(self) -> None:
        """Where the server said nothing: a token an event, or four characters, whichever is more."""
        if not self._said and self._case.view is not None:
            answer = max(self._pieces, -(-self._text // CHARACTERS_PER_TOKEN))
            self._case.usage = Usage(prompt=self._case.view.prompt, completion=answer, estimated=True)

    def left(self) -> None:
        """The client is gone, or the gateway stops: count what was said so far."""
        self._estimate()

    async def close(self) -> None:
        try:
            if self.ended is Status.OK:
                await self._stream.drain()
        finally:
            self._stream.close()


def drop_reasoning(body: Body, where: str, unwanted: str | None) -> None:
    """Leave one of the two names of reasoning out of every choice's `delta` or `message`."""
    if unwanted is not None:
        for choice in body.get("choices", ()):
            (choice.get(where) or {}).pop(unwanted, None)


def _length(body: Body) -> int:
    """Characters of text, reasoning and tool arguments in a chunk."""
    total = 0
    for choice in body.get("choices", ()):
        text = choice.get("text")
        if isinstance(text, str):
            total += len(text)
        delta = choice.get("delta")
        if not delta:
            continue
        for name in ("content", "reasoning"):
            value = delta.get(name)
            if isinstance(value, str):
                total += len(value)
        for call in delta.get("tool_calls") or ():
            arguments = (call.get("function") or {}).get("arguments")
            total += len(arguments) if isinstance(arguments, str) else 0
    return total
