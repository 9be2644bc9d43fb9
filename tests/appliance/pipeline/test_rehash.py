"""Keys move to the newest pepper when they are used, off the hot path, and once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.domain.errors import StoreUnavailable
from appliance.domain.ids import KeyId
from appliance.domain.secret import Secret
from appliance.pipeline.rehash import WAITING, Rehasher
from tests.fakes.gate import PATIENCE, Gate

VALUE = Secret("rdt_value")


class Store:
    """Moves keys, or cannot, and says when."""

    def __init__(self) -> None:
        self.moved: asyncio.Queue[KeyId] = asyncio.Queue()
        self.refusals: list[StoreUnavailable] = []
        self.gate: Gate | None = None

    async def rehash(self, key: KeyId, value: Secret) -> bool:
        if self.gate is not None:
            await self.gate.wait()
        assert value == VALUE
        await self.moved.put(key)
        if self.refusals:
            raise self.refusals.pop()
        return True

    async def next(self) -> KeyId:
        async with asyncio.timeout(PATIENCE):
            return await self.moved.get()


@asynccontextmanager
async def following(store: Store) -> AsyncIterator[Rehasher]:
    rehasher = Rehasher(store.rehash)
    task = asyncio.ensure_future(rehasher.follow())
    yield rehasher
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_key_that_is_noted_is_moved() -> None:
    store = Store()

    async with following(store) as rehasher:
        rehasher.note(KeyId("one"), VALUE)
        assert await store.next() == "one"
        rehasher.note(KeyId("two"), VALUE)
        assert await store.next() == "two"


async def test_a_key_in_much_use_is_moved_once() -> None:
    store = Store()
    store.gate = Gate()

    async with following(store) as rehasher:
        for _ in range(50):
            rehasher.note(KeyId("one"), VALUE)
        await store.gate.reached()
        rehasher.note(KeyId("one"), VALUE)
        rehasher.note(KeyId("two"), VALUE)
        store.gate.open()

        assert [await store.next(), await store.next()] == ["one", "two"]
        assert store.moved.empty()


async def test_a_store_that_fails_does_not_end_it_and_the_key_is_tried_at_its_next_use() -> None:
    store = Store()
    store.refusals.append(StoreUnavailable("no"))

    async with following(store) as rehasher:
        rehasher.note(KeyId("one"), VALUE)
        await store.next()
        rehasher.note(KeyId("two"), VALUE)
        assert await store.next() == "two"
        rehasher.note(KeyId("one"), VALUE)
        assert await store.next() == "one"


async def test_no_more_keys_wait_than_there_is_room_for() -> None:
    rehasher = Rehasher(Store().rehash)

    for index in range(WAITING + 10):
        rehasher.note(KeyId(str(index)), VALUE)

    assert len(rehasher._waiting) == WAITING
