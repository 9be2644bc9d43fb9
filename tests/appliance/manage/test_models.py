import asyncio

import msgspec
import pytest

from appliance.domain.errors import BadRequest, Conflict, ModelUnknown
from appliance.domain.ids import ModelName
from appliance.domain.model import Model
from appliance.domain.money import Price
from tests.appliance.manage.conftest import ADMIN, Office
from tests.fakes.site import a_deployment, a_model


async def test_a_saved_model_is_in_the_store_and_leaves_an_event(office: Office) -> None:
    model = a_model(a_deployment("one"), a_deployment("two", weight=2.0))

    assert await office.models.save(model, ADMIN)

    assert await office.models.all() == (model,)
    (event,) = await office.events()
    assert (event.actor, event.action, event.subject, event.before) == (ADMIN, "model.create", "llama", None)
    assert event.after is not None
    assert [one["label"] for one in event.after["deployments"]] == ["one", "two"]  # type: ignore[attr-defined]  # a list, as written above


async def test_saving_what_is_there_already_changes_nothing_and_leaves_no_event(office: Office) -> None:
    await office.models.save(a_model(), ADMIN)

    assert not await office.models.save(a_model(), ADMIN)

    assert [event.action for event in await office.events()] == ["model.create"]


async def test_a_deployment_that_somebody_objects_to_is_not_saved(office: Office) -> None:
    office.problems.append("the url has a backslash")

    with pytest.raises(BadRequest, match="deployment `llama/one`: the url has a backslash"):
        await office.models.save(a_model(), ADMIN)

    assert await office.models.all() == ()
    assert await office.events() == []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (a_model(strategy="wieghted"), "did you mean `weighted`"),
        (a_model(attempts=0), "`attempts` lies between 1 and 16"),
        (a_model(a_deployment("a"), a_deployment("a")), "two deployments are labelled `a`"),
        (a_model(a_deployment("a b")), "a label of letters"),
        (a_model(a_deployment(weight=-1.0)), "weight >= 0"),
        (a_model(a_deployment(max_parallel=0)), "max_parallel >= 1"),
        (a_model(a_deployment(upstream_model="")), "an upstream model"),
        (Model(name=ModelName("a b"), deployments=()), "a name of letters"),
        (Model(name=ModelName("a//b"), deployments=()), "a name of letters"),
        (Model(name=ModelName("other"), deployments=(a_deployment(),)), "does not belong to model `other`"),
    ],
)
async def test_a_model_that_makes_no_sense_is_refused(office: Office, model: Model, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        await office.models.save(model, ADMIN)


async def test_a_change_made_on_top_of_an_older_model_is_refused(office: Office) -> None:
    first = a_model()
    await office.models.save(first, ADMIN)
    await office.models.save(msgspec.structs.replace(first, attempts=1), "key_other", seen=first)

    with pytest.raises(Conflict, match="changed by somebody else"):
        await office.models.save(msgspec.structs.replace(first, strategy="least-busy"), ADMIN, seen=first)


async def test_of_two_who_make_the_same_model_the_second_is_told(office: Office) -> None:
    first, second = a_model(a_deployment("one")), a_model(a_deployment("two"))

    answers = await asyncio.gather(
        office.models.save(first, ADMIN), office.models.save(second, "key_other"), return_exceptions=True
    )

    assert answers[0] is True
    assert isinstance(answers[1], Conflict)
    assert "was made by somebody else" in answers[1].message
    assert await office.models.all() == (first,)
    assert [event.actor for event in await office.events()] == [ADMIN]


async def test_a_change_of_a_model_that_was_deleted_meanwhile_does_not_bring_it_back(office: Office) -> None:
    first = a_model()
    await office.models.save(first, ADMIN)
    await office.models.delete(first.name, "key_other")

    with pytest.raises(Conflict, match="was deleted by somebody else"):
        await office.models.save(msgspec.structs.replace(first, attempts=1), ADMIN, seen=first)

    assert await office.models.all() == ()


async def test_a_deleted_model_is_gone_and_an_unknown_one_is_answered_with_the_nearest(office: Office) -> None:
    await office.models.save(a_model(), ADMIN)
    with pytest.raises(ModelUnknown, match="did you mean `llama`"):
        await office.models.delete(ModelName("lama"), ADMIN)

    await office.models.delete(ModelName("llama"), ADMIN)

    assert await office.models.all() == ()
    with pytest.raises(ModelUnknown, match="redoubt models list"):
        await office.models.find("llama")
    assert [event.action for event in await office.events()] == ["model.create", "model.delete"]


async def test_the_default_price_is_set_and_taken_away_with_an_event_each(office: Office) -> None:
    await office.models.save_default_price(Price(input=150_000), ADMIN)
    await office.models.save_default_price(Price(input=150_000), ADMIN)
    await office.models.save_default_price(None, ADMIN)

    assert await office.models.default_price() is None
    events = await office.events("price.default")
    assert [(event.before, event.after) for event in events] == [
        ({"default_price": None}, {"default_price": {"input": "0.15"}}),
        ({"default_price": {"input": "0.15"}}, {"default_price": None}),
    ]


@pytest.mark.parametrize("ca_file", ["", "ca.pem", "./ca.pem", "../ca.pem", "~/ca.pem"])
async def test_an_authority_file_that_is_relative_to_nothing_is_refused(office: Office, ca_file: str) -> None:
    with pytest.raises(BadRequest, match="deployment `llama/one`: `ca_file` is no absolute path"):
        await office.models.save(a_model(a_deployment(ca_file=ca_file)), ADMIN)


async def test_deployments_of_a_new_model_made_at_once_are_all_there(office: Office) -> None:
    labels = [f"n{at}" for at in range(8)]

    await asyncio.gather(*(office.models.save_deployment(a_deployment(label), ADMIN) for label in labels))

    (model,) = await office.models.all()
    assert sorted(one.label for one in model.deployments) == labels


async def test_a_deployment_that_moved_since_it_was_seen_is_not_overwritten(office: Office) -> None:
    first, second = a_deployment("one"), a_deployment("one", weight=2.0)
    await office.models.save_deployment(first, ADMIN)
    assert not await office.models.save_deployment(first, ADMIN)  # as wanted: nothing to do, and no conflict

    with pytest.raises(Conflict, match="deployment `llama/one` was made by somebody else"):
        await office.models.save_deployment(second, "key_other")
    await office.models.save_deployment(second, ADMIN, seen=first)
    with pytest.raises(Conflict, match="was changed by somebody else"):
        await office.models.save_deployment(a_deployment("one", weight=3.0), ADMIN, seen=first)
    await office.models.delete_deployment(ModelName("llama"), "one", ADMIN)
    with pytest.raises(Conflict, match="was deleted by somebody else"):
        await office.models.save_deployment(first, ADMIN, seen=second)

    assert [model.deployments for model in await office.models.all()] == [()]


async def test_a_deployment_that_may_no_longer_be_dialled_does_not_keep_its_neighbour(office: Office) -> None:
    await office.models.save(a_model(a_deployment("one"), a_deployment("two")), ADMIN)
    office.problems.append("10.0.0.7 is not in `egress.allow`")

    await office.models.delete_deployment(ModelName("llama"), "one", ADMIN)

    assert [one.label for one in (await office.models.find("llama")).deployments] == ["two"]
    with pytest.raises(BadRequest, match="deployment `llama/two`: 10"):
        await office.models.save_deployment(a_deployment("two", weight=2.0), ADMIN, seen=a_deployment("two"))
