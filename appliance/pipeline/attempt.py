"""Attempts: deployments are asked in turn until one has begun to answer well, within one deadline."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import msgspec

from appliance.domain.errors import (
    BadRequest,
    ContextTooLong,
    GatewayError,
    NoDeployment,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from appliance.domain.ids import DeploymentId, ProviderName
from appliance.domain.model import Deployment
from appliance.domain.money import Price
from appliance.domain.upstream import Call, Failure, FailureKind, Part, UpstreamError, WholeAnswer
from appliance.ledger.reserve import price_of
from appliance.pipeline.deadline import Deadlines
from appliance.pipeline.merge import MergedStream, all_or_none, merged
from appliance.pipeline.scrub import scrub, scrub_param
from appliance.pipeline.settlement import Settlement
from appliance.pipeline.stream import AnswerStream, PartStream
from appliance.ports.clock import Clock
from appliance.ports.observer import Observer
from appliance.ports.provider import Provider
from appliance.ports.upstream import Exchange, Upstream
from appliance.routing.state import RoutingState

ERROR_BYTES = 256 * 1024
ANSWER_BYTES = 64 * 1024 * 1024  # 2048 embeddings of 4096 floats as text are about 90 % of this

PASSED_ON = frozenset({400, 413, 415, 422})
FULL = Failure(kind=FailureKind.OVERLOAD, message="at its limit of parallel requests")

Started = WholeAnswer | AnswerStream


class Attempts:
    """Asks upstreams. Holds no state of a request: that is in the settlement."""

    def __init__(
        self,
        providers: Mapping[ProviderName, Provider],
        upstream: Upstream,
        state: RoutingState,
        observer: Observer,
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._upstream = upstream
        self._state = state
        self._observer = observer
        self._clock = clock
        self._deadlines = Deadlines()

    @property
    def in_flight(self) -> Mapping[DeploymentId, int]:
        """Requests at each deployment now."""
        return self._state.in_flight

    async def first_answer(
        self, call: Call, plan: Sequence[Deployment], case: Settlement, default: Price | None
    ) -> Started:
        """The whole answer, or a stream that has given its first good event.

        Raises UpstreamRejected, ContextTooLong (the client's fault: the first such answer ends it), BadRequest (no
        server of the plan can do it), UpstreamTimeout, NoDeployment (all overloaded), UpstreamFailed.
        """
        failures: list[tuple[Deployment, Failure]] = []
        cannot: BadRequest | None = None
        until = case.began + max([to.timeouts.total for to in plan])
        for to in plan:
            began = self._clock.monotonic()
            if began >= until:
                break
            if self._full(to):
                failures.append((to, FULL))
                continue
            try:
                parts = self._providers[to.provider].prepare(call, to)
            except BadRequest as error:  # another kind of server may take what this one cannot
                cannot = cannot or error
                continue
            case.attempts += 1
            case.to = to
            case.price, case.unpriced = price_of(to, default), to.price is None and bool(default and default.free)
            case.busy_since = began
            try:
                return await self._attempt(call, to, parts, min(to.timeouts.first_byte, until - began))
            except UpstreamError as error:
                case.busy_since = None
                failures.append((to, error.failure))
                self._observer.attempt_failed(to, error.failure, self._clock.monotonic() - began)
                if error.failure.final:
                    break
            finally:
                case.waited += self._clock.monotonic() - began
        if cannot is not None and not failures:
            raise cannot
        raise explain(failures)

    def _full(self, to: Deployment) -> bool:
        """Looked at again here: others may have come since the plan was made."""
        return to.max_parallel is not None and self._state.in_flight.get(to.id, 0) >= to.max_parallel

    async def _attempt(self, call: Call, to: Deployment, parts: Sequence[Part], within: float) -> Started:
        provider = self._providers[to.provider]
        flight = self._state.begin(to.id)
        kept = False
        try:
            with self._deadlines.within(within):
                if call.stream:
                    stream = await self._stream(call, to, provider, parts)
                    stream.on_close(flight.end)
                    kept = True
                    return stream
                if len(parts) == 1:
                    return await self._whole(call, to, provider, parts[0])
                return await self._wholes(call, to, provider, parts)
        except TimeoutError:
            text = f"no answer within {within:.1f} s"
            raise UpstreamError(Failure(kind=FailureKind.TIMEOUT, message=text)) from None
        finally:
            if not kept:
                flight.end()

    async def _whole(self, call: Call, to: Deployment, provider: Provider, part: Part) -> WholeAnswer:
        exchange = await self._upstream.open(to, part)
        try:
            if exchange.status != 200:
                await _refuse(exchange, provider)
            return provider.whole(call, to, await exchange.read(ANSWER_BYTES))
        finally:
            exchange.close()

    async def _wholes(self, call: Call, to: Deployment, provider: Provider, parts: Sequence[Part]) -> WholeAnswer:
        answers = await all_or_none([self._whole(call, to, provider, part) for part in parts])
        return merged([(part.first_choice, answer) for part, answer in zip(parts, answers, strict=True)])

    async def _stream(self, call: Call, to: Deployment, provider: Provider, parts: Sequence[Part]) -> AnswerStream:
        if len(parts) == 1:
            return await self._part(call, to, provider, parts[0])
        streams = await all_or_none([self._part(call, to, provider, part) for part in parts])
        return MergedStream(streams)

    async def _part(self, call: Call, to: Deployment, provider: Provider, part: Part) -> PartStream:
        exchange = await self._upstream.open(to, part)
        stream = PartStream(exchange, provider.decoder(call, to), part.first_choice)
        try:
            if exchange.status != 200:
                await _refuse(exchange, provider)
            await stream.commit()
        except BaseException:
            stream.close()
            raise
        return stream


async def _refuse(exchange: Exchange, provider: Provider) -> NoReturn:
    """Raises UpstreamError: what an answer says whose status is not 200."""
    failure = provider.classify(exchange.status, await exchange.read(ERROR_BYTES))
    after = exchange.header("retry-after") or ""
    if failure.retry_after is None and after.isdigit() and len(after) < 6:
        failure = msgspec.structs.replace(failure, retry_after=float(after))
    raise UpstreamError(failure)


def explain(failures: Sequence[tuple[Deployment, Failure]]) -> GatewayError:
    """What a client is told after the last attempt."""
    if not failures:
        return UpstreamTimeout("the request ran out of time before a deployment could be asked")
    to, last = failures[-1]
    if last.kind is FailureKind.CONTEXT:
        return ContextTooLong(scrub(last.message, to), param=scrub_param(last.param, to))
    if last.kind is FailureKind.BAD_REQUEST:
        # A server may say so inside a 200 stream, or with a 500: the client's fault has a 4xx here.
        status = last.status if last.status in PASSED_ON else 400
        return UpstreamRejected(scrub(last.message, to), status=status, param=scrub_param(last.param, to))
    return _unserved(failures)


def _unserved(failures: Sequence[tuple[Deployment, Failure]]) -> GatewayError:
    """The servers' fault, or the operator's: addresses and reasons are for the log."""
    model = failures[-1][0].model
    tried = f"{len(failures)} attempt{'s' if len(failures) > 1 else ''} at `{model}`"
    kinds = {failure.kind for _, failure in failures}
    if kinds == {FailureKind.TIMEOUT}:
        return UpstreamTimeout(f"{tried}: no deployment answered in time")
    if kinds == {FailureKind.OVERLOAD}:
        after = max((failure.retry_after or 1.0) for _, failure in failures)
        return NoDeployment(f"{tried}: every deployment is overloaded; try again soon", retry_after=after)
    if kinds == {FailureKind.NOT_FOUND}:  # no such model there, or no such route for its kind: no retry helps
        return UpstreamRejected(f"{tried}: no server behind it has this model or can do this with it", status=404)
    told = ", ".join(sorted(kind.value for kind in kinds))
    return UpstreamFailed(f"{tried} failed ({told}); the operator finds more under this request id")
