"""The catalogue follows the store, and refuses everybody once it cannot."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from appliance.domain.errors import ConfigError, InvalidKey, StoreUnavailable
from appliance.pipeline.catalogue import STALE_SECONDS, Catalogue, CatalogueKeeper
from appliance.ports.repositories import Snapshot
from tests.fakes import wire
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.gate import PATIENCE
from tests.fakes.gateway import a_gateway, compiled
from tests.fakes.site import a_deployment, a_key, a_model, token
from tests.fakes.store import FakeStore
from tests.fakes.upstream import Says


class Site:
    """A keeper, and the store and clock it sees."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeStore()
        self.broken: ConfigError | None = None
        self.keeper = CatalogueKeeper(self.store, self._compiled, self.clock)

    def _compiled(self, snapshot: Snapshot) -> Catalogue:
        if self.broken is not None:
            raise self.broken
        return compiled(snapshot)

    async def saves(self, number: int, **more: object) -> None:
        async with self.store.unit() as unit:
            await unit.save_key(a_key(number, **more))


async def until(happened: Callable[[], bool]) -> None:
    """Let the other tasks run until it has; they tell nobody when they are done."""
    async with asyncio.timeout(PATIENCE):
        while not happened():  # noqa: ASYNC110 -- `follow` has no event to wait for
            await asyncio.sleep(0)


async def test_before_the_first_look_nobody_is_let_in() -> None:
    with pytest.raises(StoreUnavailable):
        Site().keeper.current()


async def test_an_unchanged_store_is_not_read_again() -> None:
    site = Site()

    changes = [await site.keeper.refresh() for _ in range(3)]

    assert changes == [True, False, False]
    assert site.store.snapshots == 1


async def test_a_change_is_picked_up_by_the_next_look() -> None:
    site = Site()
    await site.keeper.refresh()
    await site.saves(1)

    assert await site.keeper.refresh()

    assert site.keeper.current().ring.authenticate(token(1), NOON).key == a_key(1)


async def test_a_revocation_is_picked_up_by_the_next_look() -> None:
    site = Site()
    await site.saves(1)
    await site.keeper.refresh()
    await site.saves(1, revoked_at=NOON)
    await site.keeper.refresh()

    with pytest.raises(InvalidKey):
        site.keeper.current().ring.authenticate(token(1), NOON)


async def test_a_store_that_says_nothing_makes_the_catalogue_stale() -> None:
    site = Site()
    await site.keeper.refresh()
    site.store.down = True

    site.clock.advance(STALE_SECONDS - 0.001)
    with pytest.raises(StoreUnavailable):
        await site.keeper.refresh()
    site.keeper.current()

    site.clock.advance(0.001)
    assert not site.keeper.fresh
    with pytest.raises(StoreUnavailable) as refused:
        site.keeper.current()
    assert refused.value.retry_after == 5


async def test_a_look_that_finds_no_change_keeps_the_catalogue_fresh() -> None:
    site = Site()
    for _ in range(5):
        await site.keeper.refresh()
        site.clock.advance(STALE_SECONDS / 2)

    assert site.keeper.fresh


async def test_freshness_counts_from_the_question_and_not_from_the_answer() -> None:
    site = Site()
    answer = site.store.change_number

    async def slow() -> int:
        site.clock.advance(STALE_SECONDS)
        return await answer()

    site.store.change_number = slow  # type: ignore[method-assign]  # a store that takes its time

    await site.keeper.refresh()

    assert not site.keeper.fresh


async def test_a_snapshot_that_cannot_be_compiled_leaves_the_old_catalogue_until_it_is_stale() -> None:
    site = Site()
    await site.keeper.refresh()
    before = site.keeper.current()
    await site.saves(1)
    site.broken = ConfigError("`file:/run/x` cannot be read")

    with pytest.raises(ConfigError):
        await site.keeper.refresh()
    assert site.keeper.current() is before

    site.clock.advance(STALE_SECONDS)
    with pytest.raises(StoreUnavailable):
        site.keeper.current()


async def test_what_prepares_a_change_sees_it_before_anybody_else() -> None:
    site = Site()
    seen: list[int] = []

    async def prepare(new: Catalogue) -> None:
        await asyncio.sleep(0)
        seen.append(new.number)
        with pytest.raises(StoreUnavailable):
            site.keeper.current()

    site.keeper.before_change(prepare)
    await site.keeper.refresh()

    assert seen == [site.keeper.current().number]


async def test_a_change_that_cannot_be_prepared_is_not_taken_and_is_tried_again() -> None:
    site = Site()
    await site.keeper.refresh()
    before = site.keeper.current()
    failures = [StoreUnavailable("no counters")]

    async def prepare(_: Catalogue) -> None:
        if failures:
            raise failures.pop()

    site.keeper.before_change(prepare)
    await site.saves(1)
    with pytest.raises(StoreUnavailable):
        await site.keeper.refresh()
    assert site.keeper.current() is before

    assert await site.keeper.refresh()
    assert len(site.keeper.current().ring) == 1


@pytest.mark.parametrize("fault", ["the store is down", "the configuration is broken"])
async def test_following_outlives_faults_and_says_so(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    await site.keeper.refresh()
    await site.saves(1)
    site.store.down = fault == "the store is down"
    site.broken = None if site.store.down else ConfigError("a credential cannot be read")
    caplog.set_level(logging.ERROR)
    following = asyncio.ensure_future(site.keeper.follow(every=0))

    await until(lambda: bool(caplog.records))
    site.store.down, site.broken = False, None
    await until(lambda: len(site.keeper.current().ring) == 1)
    following.cancel()

    assert "cannot be followed" in caplog.text


async def test_looks_at_the_same_time_read_the_store_once() -> None:
    site = Site()

    changes = await asyncio.gather(*(site.keeper.refresh() for _ in range(5)))

    assert sorted(changes) == [False, False, False, False, True]
    assert site.store.snapshots == 1


async def test_a_stale_gateway_refuses_with_503_and_recovers_by_itself() -> None:
    gateway = await a_gateway(Says([wire.whole()]))
    gateway.clock.advance(STALE_SECONDS)

    client = await gateway.serve(gateway.client())

    assert (client.status, client.error["code"]) == (503, "store_unavailable")
    assert gateway.ledger.rows == []
    await gateway.keeper.refresh()
    again = await gateway.serve(gateway.client())
    assert again.status == 200


async def test_a_model_that_changes_during_a_request_does_not_disturb_it() -> None:
    gateway = await a_gateway()
    old = gateway.keeper.current()
    gateway.serves(a_model(a_deployment("two")))

    await gateway.keeper.refresh()

    assert [to.label for to in old.models[a_model().name].deployments] == ["one"]
    assert [to.label for to in gateway.keeper.current().models[a_model().name].deployments] == ["two"]
