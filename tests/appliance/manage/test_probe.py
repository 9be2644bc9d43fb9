"""The key for one look at a running gateway."""

from datetime import timedelta

import pytest

from appliance.config.desired import KeyTerms
from appliance.domain.identity import Role
from appliance.pipeline.manage.probe import LIFE, PURPOSE, Probe
from tests.appliance.manage.conftest import ADMIN, Office


def probe(office: Office) -> Probe:
    return Probe(office.store, office.keys, office.clock)


async def test_it_may_do_nothing_ends_soon_and_is_gone_after_the_block(office: Office) -> None:
    async with probe(office).key(ADMIN) as secret:
        [key] = await office.keys.all()
        assert secret.reveal().startswith("rdt_")
        assert (key.role, key.models, key.expires_at) == (Role.MEMBER, (), office.clock.now() + LIFE)

    assert await office.keys.all() == ()
    assert [(event.action, event.actor, event.subject) for event in await office.events()] == [
        ("key.create", ADMIN, key.id),
        ("key.remove", ADMIN, key.id),
    ]


async def test_it_is_gone_when_the_look_fails(office: Office) -> None:
    with pytest.raises(ZeroDivisionError):
        async with probe(office).key(ADMIN):
            raise ZeroDivisionError

    assert await office.keys.all() == ()


async def test_what_a_killed_look_left_is_removed_by_the_next_and_nothing_else_is(office: Office) -> None:
    end = office.clock.now() + timedelta(minutes=1)
    await office.keys.create(KeyTerms(name="left", expires_at=end, metadata=dict(PURPOSE)), ADMIN)
    await office.keys.create(KeyTerms(name="client", expires_at=end), ADMIN)
    office.clock.advance(120)
    await office.keys.create(
        KeyTerms(name="beside", expires_at=end + timedelta(hours=1), metadata=dict(PURPOSE)), ADMIN
    )

    async with probe(office).key(ADMIN):
        pass

    assert sorted(key.name for key in await office.keys.all()) == ["beside", "client"]
