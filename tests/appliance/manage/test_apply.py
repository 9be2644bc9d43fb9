import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from appliance.config.desired import Desired, KeyTerms, terms_of
from appliance.domain.errors import BadRequest, Conflict
from appliance.domain.identity import Limits, Role
from appliance.domain.ids import Micros, ModelName
from appliance.domain.model import Timeouts
from appliance.domain.money import Price
from appliance.pipeline.manage.diff import Change, CreateKey
from appliance.pipeline.manage.keys import Made
from appliance.pipeline.manage.wording import as_plain, lines
from tests.appliance.manage.conftest import ADMIN, Office, office_over
from tests.fakes.site import a_deployment, a_model
from tests.fakes.store import FakeStore

BOSS = KeyTerms(name="boss", role=Role.ADMIN, models=(ModelName("*"),))
WIKI = KeyTerms(name="wiki", models=(ModelName("llama"),), limits=Limits(budget=Micros(2_500_000)))


async def brought(office: Office, desired: Desired, *, prune: bool = False) -> list[Made]:
    return await office.apply.run(desired, await office.apply.plan(desired, prune=prune), ADMIN, prune=prune)


def told(changes: list[Change]) -> str:
    return "\n".join(line for change in changes for line in lines(change))


async def test_an_empty_store_takes_everything_and_new_keys_come_back_with_their_values(office: Office) -> None:
    made = await brought(office, Desired(models=(a_model(),), keys=(BOSS, WIKI), default_price=Price()))

    snapshot = await office.store.snapshot()
    assert [model.name for model in snapshot.models] == ["llama"]
    assert {key.name: terms_of(key) for key in snapshot.keys} == {"boss": BOSS, "wiki": WIKI}
    assert snapshot.default_price == Price()
    assert [one.key.name for one in made] == ["boss", "wiki"]
    assert [event.action for event in await office.events()] == [
        "price.default", "model.create", "key.create", "key.create",
    ]  # fmt: skip


async def test_a_diff_says_what_comes_what_becomes_and_what_goes(office: Office) -> None:
    first = Desired(models=(a_model(a_deployment("a"), a_deployment("b")),), keys=(BOSS, WIKI), default_price=Price())
    await brought(office, first)
    changed = a_model(a_deployment("a", weight=2.0, price=Price(input=150_000)), a_deployment("c"), attempts=1)
    second = Desired(
        models=(changed, replace(changed, name=ModelName("new"), deployments=())),
        keys=(BOSS, replace(WIKI, name="chat"), replace(WIKI, limits=Limits(rpm=5))),
        default_price=None,
    )

    assert told(await office.apply.plan(second, prune=False)).splitlines() == [
        "~ default_price: 0 -> none (models without a price are refused)",
        "~ model `llama`",
        "    ~ attempts: 3 -> 1",
        "    ~ deployments[a].price.input: 0 -> 0.15",
        "    - deployments[b].provider: fake",
        "    - deployments[b].url: http://gpu-b.lab:8000",
        "    - deployments[b].model: upstream/secret-name",
        "    - deployments[b].price.input: 0",
        "    ~ deployments: a, b -> a, c",
        "    + deployments[a].weight: 2.0",
        "    + deployments[c].provider: fake",
        "    + deployments[c].url: http://gpu-c.lab:8000",
        "    + deployments[c].model: upstream/secret-name",
        "    + deployments[c].price.input: 0",
        "+ model `new`",
        "    + strategy: weighted",
        "    + attempts: 1",
        "+ key `chat`",
        "    + role: member",
        "    + models: llama",
        "    + limits.budget: 2.5",
        "~ key `wiki`",
        "    - limits.budget: 2.5",
        "    + limits.rpm: 5",
    ]


async def test_without_prune_what_only_the_store_has_is_left_alone(office: Office) -> None:
    await brought(office, Desired(models=(a_model(),), keys=(BOSS, WIKI)))

    assert await office.apply.plan(Desired(), prune=False) == []


async def test_with_prune_models_are_deleted_and_keys_revoked(office: Office) -> None:
    await brought(office, Desired(models=(a_model(),), keys=(BOSS, WIKI)))
    wanted = Desired(keys=(BOSS,))

    changes = await office.apply.plan(wanted, prune=True)
    await office.apply.run(wanted, changes, ADMIN, prune=True)

    assert told(changes).startswith("- model `llama`\n- key `wiki` (key_")
    assert await office.models.all() == ()
    assert [key.name for key in await office.keys.all() if key.revoked_at is not None] == ["wiki"]


async def test_prune_never_takes_the_last_administrator(office: Office) -> None:
    await brought(office, Desired(models=(a_model(),), keys=(BOSS, WIKI)))

    with pytest.raises(Conflict, match="last admin key"):
        await brought(office, Desired(keys=(WIKI,)), prune=True)

    assert [model.name for model in await office.models.all()] == ["llama"]  # all or nothing


async def test_a_new_administrator_is_made_before_the_old_one_is_demoted(office: Office) -> None:
    await brought(office, Desired(keys=(BOSS,)))

    await brought(office, Desired(keys=(replace(BOSS, role=Role.MEMBER), replace(BOSS, name="chief"))))

    assert {key.name: key.role for key in await office.keys.all()} == {"boss": "member", "chief": "admin"}


async def test_a_plan_made_before_somebody_else_changed_the_store_is_not_carried_out(office: Office) -> None:
    wanted = Desired(models=(a_model(),))
    planned = await office.apply.plan(wanted, prune=False)
    await office.models.save(a_model(attempts=1), "key_other")

    with pytest.raises(Conflict, match="run it again"):
        await office.apply.run(wanted, planned, ADMIN, prune=False)

    assert (await office.models.find("llama")).attempts == 1


async def test_every_problem_of_a_file_is_told_before_anything_is_shown(office: Office) -> None:
    office.problems.append("nobody listens there")

    with pytest.raises(BadRequest) as refused:
        await office.apply.plan(Desired(models=(a_model(a_deployment("a"), a_deployment("b")),)), prune=False)

    assert refused.value.message.splitlines() == [
        "deployment `llama/a`: nobody listens there",
        "deployment `llama/b`: nobody listens there",
    ]


async def test_a_file_that_is_silent_about_the_default_price_leaves_it(office: Office) -> None:
    await brought(office, Desired(default_price=Price(input=1)))

    assert await office.apply.plan(Desired(), prune=True) == []
    assert Desired().default_price is UNSET


async def test_a_rotated_key_is_still_the_key_of_the_file(office: Office) -> None:
    desired = Desired(keys=(BOSS,))
    (made,) = await brought(office, desired)
    from_now = await office.keys.rotate(made.key.id, timedelta(hours=1), ADMIN)

    assert await office.apply.plan(desired, prune=True) == []
    assert from_now.key.name == "boss"


def test_a_change_is_also_told_to_programs() -> None:
    assert as_plain(CreateKey(WIKI)) == {
        "change": "create",
        "what": "key `wiki`",
        "fields": ["+ role: member", "+ models: llama", "+ limits.budget: 2.5"],
    }


names = st.sampled_from(["a", "b", "c"])
prices = st.none() | st.builds(Price, input=st.integers(0, 9), cached=st.none() | st.integers(0, 9))
deployments = st.builds(
    a_deployment, names, weight=st.floats(0, 9), price=prices, enabled=st.booleans(), timeouts=st.builds(Timeouts)
)
models = st.lists(deployments, max_size=3, unique_by=lambda one: one.label).map(
    lambda many: a_model(*many, strategy="least-busy")
)
keys = st.lists(
    st.builds(KeyTerms, name=names, role=st.sampled_from(Role), limits=st.builds(Limits, rpm=st.none() | st.just(1))),
    unique_by=lambda terms: terms.name,
    max_size=3,
)
desires = st.builds(
    Desired,
    models=st.lists(models, max_size=1).map(tuple),
    keys=keys.map(lambda many: (BOSS, *many)),
    default_price=st.just(UNSET) | prices,
)


@settings(deadline=None)
@given(desires, desires, st.booleans())
def test_after_an_apply_there_is_nothing_left_to_apply(first: Desired, second: Desired, prune: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    async def law() -> list[Change]:
        office = office_over(FakeStore())
        await brought(office, first)
        await brought(office, second, prune=prune)
        return await office.apply.plan(second, prune=prune)

    assert asyncio.run(law()) == []
