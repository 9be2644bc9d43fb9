"""Asks an adapter's server one call over the real egress, as the pipeline would but without its attempts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import msgspec

from appliance.domain.ids import ModelName, ProviderName, RequestId
from appliance.domain.model import Deployment, Timeouts
from appliance.domain.upstream import (
    Body,
    Broken,
    Call,
    Chunk,
    Failure,
    FailureKind,
    Finished,
    Kind,
    Part,
    StreamEvent,
    UpstreamError,
    WholeAnswer,
)
from appliance.domain.usage import Usage
from appliance.egress.client import EgressFetch, EgressUpstream
from appliance.egress.guard import AllowList, Guard
from appliance.egress.transport import PooledTransport
from appliance.ports.provider import Provider
from appliance.ports.upstream import Exchange

LIMIT = 8 << 20
PATIENCE = 20.0  # seconds; a ceiling for a loaded machine, never a measure


class Streamed(msgspec.Struct):
    """What became of one streamed part."""

    events: list[StreamEvent]
    failure: Failure | None = None

    @property
    def chunks(self) -> list[Chunk]:
        return [event for event in self.events if isinstance(event, Chunk)]

    @property
    def choices(self) -> list[Body]:
        return [choice for chunk in self.chunks for choice in chunk.body["choices"]]

    @property
    def text(self) -> str:
        return "".join(choice.get("text") or choice.get("delta", {}).get("content") or "" for choice in self.choices)

    @property
    def usage(self) -> Usage | None:
        return next((chunk.usage for chunk in reversed(self.chunks) if chunk.usage is not None), None)


class Asker:
    """One provider and one deployment of it."""

    def __init__(self, provider: Provider, to: Deployment, transport: PooledTransport) -> None:
        self.provider = provider
        self.to = to
        self.upstream = EgressUpstream(transport)
        self.fetch = EgressFetch(transport)

    def aimed(self, **fields: Any) -> Self:
        """The same asker with a changed deployment."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, to=msgspec.structs.replace(self.to, **fields))
        return other

    def call(self, kind: Kind = Kind.CHAT, *, stream: bool = False, **fields: Any) -> Call:
        body: Body = {"model": "public", **fields}
        if kind is Kind.CHAT:
            body.setdefault("messages", [{"role": "user", "content": "tell me about żółw"}])
        request = RequestId("req_00112233445566778899aabb")
        return Call(kind=kind, body=body, request_id=request, salt="salt", stream=stream, choices=fields.get("n", 1))

    async def whole(self, kind: Kind = Kind.CHAT, **fields: Any) -> list[WholeAnswer]:
        """The answers to all parts. Raises UpstreamError, BadRequest."""
        call = self.call(kind, **fields)
        answers = []
        for part in self.provider.prepare(call, self.to):
            async with self._opened(part) as exchange:
                body = await exchange.read(LIMIT)
                if exchange.status != 200:
                    raise UpstreamError(self.provider.classify(exchange.status, body))
                answers.append(self.provider.whole(call, self.to, body))
        return answers

    async def streamed(self, kind: Kind = Kind.CHAT, **fields: Any) -> list[Streamed]:
        """What became of all parts; failures are told, not raised. Raises BadRequest."""
        call = self.call(kind, stream=True, **fields)
        return [await self._stream(call, part) for part in self.provider.prepare(call, self.to)]

    async def _stream(self, call: Call, part: Part) -> Streamed:
        told = Streamed([])
        try:
            async with self._opened(part) as exchange:
                if exchange.status != 200:
                    told.failure = self.provider.classify(exchange.status, await exchange.read(LIMIT))
                    return told
                decoder = self.provider.decoder(call, self.to)
                ended = False
                while not ended:
                    data = await exchange.next()
                    events = decoder.feed(data) if data else decoder.end()
                    told.events += events
                    ended = any(isinstance(event, Broken | Finished) for event in events)
        except UpstreamError as e:
            told.failure = e.failure
            return told
        last = told.events[-1]
        told.failure = last.failure if isinstance(last, Broken) else None
        return told

    @asynccontextmanager
    async def _opened(self, part: Part) -> AsyncIterator[Exchange]:
        try:
            async with asyncio.timeout(PATIENCE if self.to.timeouts.first_byte > 1 else self.to.timeouts.first_byte):
                exchange = await self.upstream.open(self.to, part)
        except TimeoutError as e:
            raise UpstreamError(Failure(kind=FailureKind.TIMEOUT, message="no first byte")) from e
        try:
            yield exchange
        finally:
            exchange.close()


@asynccontextmanager
async def asking(provider: Provider, url: str, **fields: Any) -> AsyncIterator[Asker]:
    """An asker whose connections are closed at the end."""
    transport = PooledTransport(Guard(AllowList()))
    to = Deployment(
        **{
            "model": ModelName("public"),
            "label": "a",
            "provider": ProviderName(provider.traits.name),
            "url": url,
            "upstream_model": "sim-model",
            "timeouts": Timeouts(between_chunks=PATIENCE),
            **fields,
        }
    )
    try:
        yield Asker(provider, to, transport)
    finally:
        await transport.aclose()
