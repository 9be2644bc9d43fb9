"""The smallest provider: OpenAI's own dialogue, read without care for anything a real server does otherwise."""

import json
from typing import Any

from appliance.domain.model import Deployment, Finding, Health, Load, ModelInfo
from appliance.domain.upstream import (
    Body,
    Broken,
    Call,
    Chunk,
    Failure,
    FailureKind,
    Finished,
    KeepAlive,
    Part,
    StreamEvent,
    UpstreamError,
    WholeAnswer,
)
from appliance.domain.usage import Usage
from appliance.ports.provider import Decoder, Traits
from appliance.ports.upstream import Fetch

KINDS = {401: FailureKind.AUTH, 404: FailureKind.NOT_FOUND, 429: FailureKind.OVERLOAD, 503: FailureKind.OVERLOAD}
CODES = {"context": FailureKind.CONTEXT, "overload": FailureKind.OVERLOAD, "bad": FailureKind.BAD_REQUEST}


class FakeProvider:
    """`one_choice`: a server without `n`, that gets one part a choice. `refuses`: what `prepare` raises."""

    traits = Traits(name="fake", title="Fake")
    load_header: str | None = None

    def __init__(self) -> None:
        self.one_choice = False
        self.refuses: Exception | None = None
        self.faulty_decoder: Exception | None = None

    def check(self, deployment: Deployment) -> list[str]:
        return []

    def prepare(self, call: Call, to: Deployment) -> tuple[Part, ...]:
        if self.refuses is not None:
            raise self.refuses
        body = json.dumps({**call.body, "model": to.upstream_model}).encode()
        path = f"/v1/{call.kind.value}"
        if self.one_choice:
            return tuple(Part(path=path, body=body, first_choice=index) for index in range(call.choices))
        return (Part(path=path, body=body),)

    def decoder(self, call: Call, to: Deployment) -> Decoder:
        return FakeDecoder(self.faulty_decoder)

    def whole(self, call: Call, to: Deployment, body: bytes) -> WholeAnswer:
        try:
            told = json.loads(body)
        except ValueError:
            raise UpstreamError(Failure(kind=FailureKind.PROTOCOL, message="no JSON")) from None
        return WholeAnswer(told, usage_of(told))

    def classify(self, status: int, body: bytes) -> Failure:
        return failure_of(json.loads(body)["error"], status) if body else Failure(kind=kind_of(status), message="")

    def reported_load(self, header: str | None) -> Load | None:
        return None

    async def discover(self, fetch: Fetch, of: Deployment) -> list[ModelInfo]:
        return [ModelInfo(id=of.upstream_model)]

    async def health(self, fetch: Fetch, of: Deployment) -> Health:
        return Health(state="live")

    async def load(self, fetch: Fetch, of: Deployment) -> Load | None:
        return None

    async def examine(self, fetch: Fetch, of: Deployment) -> list[Finding]:
        return []


class FakeDecoder:
    """`data:` lines and comments; `[DONE]` is the end, an `error` object breaks, a silent end is incomplete."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._rest = b""
        self._over = False
        self._fault = fault

    def feed(self, data: bytes) -> list[StreamEvent]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [event for line in lines if (event := self._event(line)) is not None]

    def end(self) -> list[StreamEvent]:
        if self._over:
            return []
        return [Broken(Failure(kind=FailureKind.INCOMPLETE, message="ended without a finish"))]

    def _event(self, line: bytes) -> StreamEvent | None:
        if self._over or not line:
            return None
        if line.startswith(b":"):
            return KeepAlive()
        told = line.removeprefix(b"data: ")
        if told == b"[DONE]":
            self._over = True
            return Finished()
        if self._fault is not None and b"fault" in told:
            raise self._fault
        body: Body = json.loads(told)
        if "error" in body:
            self._over = True
            return Broken(failure_of(body["error"], None))
        return Chunk(body, speaks=any(_speaks(choice) for choice in body["choices"]), usage=usage_of(body))


def _speaks(choice: Body) -> bool:
    delta = choice.get("delta") or {}
    return any((choice.get("text"), delta.get("content"), delta.get("reasoning"), delta.get("tool_calls")))


def kind_of(status: int | None) -> FailureKind:
    if status is not None and status >= 500 and status not in KINDS:
        return FailureKind.GENERATION
    return KINDS.get(status or 0, FailureKind.BAD_REQUEST)


def failure_of(error: dict[str, Any], status: int | None) -> Failure:
    return Failure(
        kind=CODES.get(error.get("code", ""), kind_of(status) if status else FailureKind.GENERATION),
        message=error["message"],
        status=status,
        param=error.get("param"),
        retry_after=error.get("retry_after"),
    )


def usage_of(body: Body) -> Usage | None:
    told = body.get("usage")
    if not told:
        return None
    return Usage(
        prompt=told["prompt_tokens"],
        completion=told.get("completion_tokens", 0),
        cached=told.get("cached_tokens", 0),
    )
