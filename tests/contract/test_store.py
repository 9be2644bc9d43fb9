"""What every adapter of the store promises (`ports.repositories`)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.domain.errors import BadRequest, Conflict
from appliance.domain.identity import Limits, Role, Window
from appliance.domain.ids import KeyId, Micros, ModelName, TeamId, WorkspaceId
from appliance.domain.model import Timeouts
from appliance.domain.money import Price
from appliance.domain.secret import Secret
from appliance.ports.repositories import Store, StoredPepper
from appliance.store import visit
from appliance.store.migrate import migrate
from tests.appliance.store.sites import NOON, a_deployment, a_key, a_model, an_event
from tests.fakes.store import FakeStore

FULL_KEY = a_key(
    role=Role.ADMIN,
    models=(ModelName("llama"), ModelName("*")),
    limits=Limits(rpm=1, tpm=2, parallel=3, budget=Micros(4), budget_tokens=5, window=Window.MONTH),
    fields=("priority",),
    blocked=True,
    expires_at=NOON,
    workspace=WorkspaceId("w"),
    team=TeamId("t"),
    privacy="strict",
    metadata={"owner": "ö"},
)
FULL_DEPLOYMENT = a_deployment(
    "full",
    weight=0.5,
    max_parallel=4,
    timeouts=Timeouts(connect=1.0, total=2.0),
    price=Price(input=1, cached=2, output=3, gpu_second=4),
    options={"num_ctx": 4096, "keep_alive": "5m", "flash": True, "x": 0.5},
    credential="file:/run/secret",
    ca_file="/etc/ca.pem",
    media_urls=True,
    enabled=False,
)


@pytest.fixture(params=["sqlite", "fake"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "fake":
        yield FakeStore()
        return
    await asyncio.to_thread(migrate, tmp_path / "data")
    async with await visit(tmp_path / "data") as visited:
        yield visited.store


async def test_a_new_store_is_empty(store: Store) -> None:
    snapshot = await store.snapshot()

    assert snapshot.number == await store.change_number()
    assert (snapshot.keys, snapshot.models, snapshot.peppers, snapshot.default_price) == ((), (), (), None)


@pytest.mark.parametrize("key", [a_key(), FULL_KEY], ids=["least", "full"])
async def test_a_key_comes_back_as_it_was_saved(store: Store, key: object) -> None:
    async with store.unit() as unit:
        await unit.save_key(key)  # type: ignore[arg-type]  # parametrised

    async with store.unit() as unit:
        assert await unit.key(KeyId("key_0000000000000001")) == key
        assert list(await unit.keys()) == [key]
    assert (await store.snapshot()).keys == (key,)


async def test_a_key_is_replaced_by_id(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_key(FULL_KEY)
    async with store.unit() as unit:
        await unit.save_key(a_key())

    assert (await store.snapshot()).keys == (a_key(),)


async def test_an_unknown_key_or_model_is_none(store: Store) -> None:
    async with store.unit() as unit:
        assert await unit.key(KeyId("key_ffffffffffffffff")) is None
        assert await unit.model(ModelName("nobody")) is None


async def test_keys_come_by_age_models_by_name_and_peppers_by_version(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_key(a_key(3))
        await unit.save_key(a_key(2, created_at=NOON + timedelta(days=1)))
        await unit.save_key(a_key(1))
        for name in ("b", "c", "a"):
            await unit.save_model(a_model(name=name))
        for version in (2, 1):
            await unit.save_pepper(StoredPepper(version=version, sealed=b"sealed"))
        in_the_unit = (await unit.keys(), await unit.models(), await unit.peppers())

    found = await store.snapshot()
    assert [key.id for key in found.keys] == [a_key(1).id, a_key(3).id, a_key(2).id]
    assert [model.name for model in found.models] == ["a", "b", "c"]
    assert [pepper.version for pepper in found.peppers] == [1, 2]
    assert tuple(map(tuple, in_the_unit)) == (found.keys, found.models, found.peppers)


async def test_a_second_digest_is_a_conflict_and_nothing_of_the_unit_stays(store: Store) -> None:
    async def save() -> None:
        async with store.unit() as unit:
            await unit.save_key(a_key(1))
            await unit.save_key(a_key(2, digest=a_key(1).digest))

    with pytest.raises(Conflict, match="under another id"):
        await save()

    assert (await store.snapshot()).keys == ()


async def test_a_live_name_is_taken_and_the_refusal_names_it(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_key(a_key(1, name="build"))

    with pytest.raises(Conflict, match="`build`"):
        async with store.unit() as unit:
            await unit.save_key(a_key(2, name="build"))


async def test_a_revoked_key_gives_its_name_back(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_key(a_key(1, name="build", revoked_at=NOON))
        await unit.save_key(a_key(2, name="build"))

    assert len((await store.snapshot()).keys) == 2


async def test_a_rotated_key_hands_its_name_to_its_successor(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_key(a_key(1, name="build"))
    async with store.unit() as unit:
        await unit.save_key(a_key(1, name="build", successor=a_key(2).id, expires_at=NOON))
        await unit.save_key(a_key(2, name="build"))

    assert [key.successor for key in (await store.snapshot()).keys] == [a_key(2).id, None]


async def test_a_successor_that_is_nowhere_is_a_conflict(store: Store) -> None:
    with pytest.raises(Conflict):
        async with store.unit() as unit:
            await unit.save_key(a_key(1, successor=KeyId("key_nowhere")))

    assert (await store.snapshot()).keys == ()


async def test_a_model_comes_back_with_its_deployments_in_their_order(store: Store) -> None:
    model = a_model(a_deployment("z"), FULL_DEPLOYMENT, a_deployment("a"))

    async with store.unit() as unit:
        await unit.save_model(model)

    async with store.unit() as unit:
        assert await unit.model(model.name) == model
        assert list(await unit.models()) == [model]
    assert (await store.snapshot()).models == (model,)


async def test_saving_a_model_replaces_all_its_deployments(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_model(a_model(a_deployment("one"), a_deployment("two")))
        await unit.save_model(a_model(a_deployment("two", weight=3.0)))

    assert (await store.snapshot()).models == (a_model(a_deployment("two", weight=3.0)),)


async def test_a_secret_is_never_stored_but_its_reference_is(store: Store) -> None:
    known = a_deployment(credential="env:TOKEN", secret=Secret("canary"))

    async with store.unit() as unit:
        await unit.save_model(a_model(known))

    [deployment] = (await store.snapshot()).models[0].deployments
    assert (deployment.secret, deployment.credential) == (None, "env:TOKEN")


async def test_two_deployments_of_one_label_are_a_conflict(store: Store) -> None:
    with pytest.raises(Conflict, match="two deployments of one label"):
        async with store.unit() as unit:
            await unit.save_model(a_model(a_deployment("one"), a_deployment("one")))


async def test_a_deployment_of_another_model_is_refused(store: Store) -> None:
    with pytest.raises(BadRequest, match="other/one"):
        async with store.unit() as unit:
            await unit.save_model(a_model(a_deployment(model=ModelName("other"))))


async def test_a_deleted_model_is_gone_with_its_deployments(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_model(a_model(a_deployment()))
        await unit.delete_model(ModelName("llama"))
        await unit.delete_model(ModelName("llama"))  # once more is no error
        await unit.save_model(a_model())

    assert (await store.snapshot()).models == (a_model(),)


async def test_a_deleted_key_is_gone_and_its_name_is_free(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_key(a_key(1))
        await unit.delete_key(a_key(1).id)
        await unit.delete_key(a_key(1).id)  # once more is no error
        await unit.save_key(a_key(2, name=a_key(1).name))

    assert (await store.snapshot()).keys == (a_key(2, name=a_key(1).name),)


async def test_peppers_are_kept_replaced_and_deleted_by_version(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_pepper(StoredPepper(version=2, sealed=b"\x00two"))
        await unit.save_pepper(StoredPepper(version=1, sealed=b"one"))
        await unit.save_pepper(StoredPepper(version=1, sealed=b"one", retired=True))
        assert [pepper.version for pepper in await unit.peppers()] == [1, 2]
        await unit.delete_pepper(2)

    assert (await store.snapshot()).peppers == (StoredPepper(version=1, sealed=b"one", retired=True),)


@pytest.mark.parametrize("price", [Price(), Price(input=5, cached=0, output=7, gpu_second=9)], ids=["free", "dear"])
async def test_the_default_price_is_said_aloud_or_missing(store: Store, price: Price) -> None:
    async with store.unit() as unit:
        await unit.save_default_price(price)
        assert await unit.default_price() == price
    assert (await store.snapshot()).default_price == price

    async with store.unit() as unit:
        await unit.save_default_price(None)
    assert (await store.snapshot()).default_price is None


async def test_each_unit_raises_the_change_number_by_one(store: Store) -> None:
    before = await store.change_number()

    for more in (1, 2, 3):
        async with store.unit() as unit:
            await unit.save_key(a_key(more))
            await unit.save_key(a_key(more + 10))
        assert await store.change_number() == before + more == (await store.snapshot()).number


async def test_a_unit_that_raises_changes_nothing(store: Store) -> None:
    before = await store.change_number()

    async def fail() -> None:
        async with store.unit() as unit:
            await unit.save_key(a_key())
            await unit.add_event(an_event())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert (await store.snapshot()).keys == ()
    assert list(await store.events(10)) == []
    assert await store.change_number() == before


async def test_a_unit_sees_what_it_wrote_and_others_do_not_yet(store: Store) -> None:
    async with store.unit() as unit:
        await unit.save_key(a_key())

        assert list(await unit.keys()) == [a_key()]
        assert (await store.snapshot()).keys == ()


async def test_units_at_the_same_time_take_turns_and_none_is_lost(store: Store) -> None:
    async def save(number: int) -> None:
        async with store.unit() as unit:
            seen = len(await unit.keys())
            await asyncio.sleep(0)
            await unit.save_key(a_key(number, metadata={"seen": str(seen)}))

    await asyncio.gather(*(save(number) for number in range(20)))

    keys = (await store.snapshot()).keys
    assert sorted(int(key.metadata["seen"]) for key in keys) == list(range(20))


async def test_events_come_newest_first_and_by_action(store: Store) -> None:
    full = an_event("key.create", before={"a": [1, None]}, after={"b": "ß"}, detail="why")
    async with store.unit() as unit:
        await unit.add_event(full)
    await store.add_event(an_event("auth.refused"))
    await store.add_event(an_event("egress.refused"))

    assert [event.action for event in await store.events(2)] == ["egress.refused", "auth.refused"]
    assert await store.events(5, "key.create") == [full]


async def test_an_event_outside_a_unit_does_not_raise_the_change_number(store: Store) -> None:
    before = await store.change_number()

    await store.add_event(an_event())

    assert await store.change_number() == before
    assert await store.events(1) == [an_event()]
