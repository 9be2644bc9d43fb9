from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from appliance.config.desired import KeyTerms, terms_of
from appliance.domain.errors import BadRequest, ConfigError, Conflict, NotFound
from appliance.domain.identity import Key, Limits, Principal, Role
from appliance.domain.ids import KeyId, Micros, ModelName
from appliance.domain.secret import Secret
from appliance.identity.keys import parse
from appliance.identity.ring import KeyRing
from appliance.pipeline.manage.keys import Keys, Made
from tests.appliance.manage.conftest import ADMIN, Office
from tests.fakes.clock import NOON

TERMS = KeyTerms(name="wiki", models=(ModelName("llama"),), limits=Limits(rpm=5, budget=Micros(7)), metadata={"a": "b"})
BOSS = KeyTerms(name="boss", role=Role.ADMIN)


async def ring(office: Office) -> KeyRing:
    snapshot = await office.store.snapshot()
    peppers = {one.version: office.master.pepper(one.version, one.sealed) for one in snapshot.peppers}
    return KeyRing(snapshot.keys, peppers, b"salt")


async def let_in(office: Office, secret: Secret) -> Principal:
    return (await ring(office)).authenticate(secret.reveal(), office.clock.now())


async def test_a_created_key_opens_the_door_and_carries_its_terms(office: Office) -> None:
    made = await office.keys.create(TERMS, ADMIN)

    assert parse(made.secret.reveal()) is not None
    assert (await let_in(office, made.secret)).key == made.key
    assert terms_of(made.key) == TERMS
    assert made.key.created_at == NOON


async def test_the_value_of_a_key_is_in_no_event_and_in_no_repr(office: Office) -> None:
    made = await office.keys.create(TERMS, ADMIN)
    value = made.secret.reveal()

    written = msgspec.json.encode(await office.events()).decode() + repr(made)

    assert value not in written
    assert made.key.digest.hex() not in written
    assert value[8:-4] not in written


async def test_each_change_leaves_one_event_with_actor_before_and_after(office: Office) -> None:
    await office.keys.create(BOSS, ADMIN)
    made = await office.keys.create(TERMS, ADMIN)
    key = made.key.id
    await office.keys.update(made.key, msgspec.structs.replace(TERMS, limits=Limits(rpm=9)), "key_1")
    await office.keys.block(key, "key_1")
    await office.keys.unblock(key, "key_1")
    await office.keys.revoke(key, "key_1")

    events = (await office.events())[1:]

    assert [event.action for event in events] == ["key.create", "key.update", "key.block", "key.unblock", "key.revoke"]
    assert {event.subject for event in events} == {key}
    assert [event.actor for event in events] == [ADMIN, *["key_1"] * 4]
    assert events[0].before is None
    assert events[1].before is not None
    assert events[1].after is not None
    assert (events[1].before["limits"], events[1].after["limits"]) == ({"rpm": 5, "budget": "0.000007"}, {"rpm": 9})
    assert events[4].after is not None
    assert "revoked_at" in events[4].after


async def test_a_revoked_key_and_a_blocked_key_are_kept_out(office: Office) -> None:
    revoked, blocked = await office.keys.create(TERMS, ADMIN), await office.keys.create(BOSS, ADMIN)
    await office.keys.create(KeyTerms(name="other", role=Role.ADMIN), ADMIN)

    await office.keys.revoke(revoked.key.id, ADMIN)
    await office.keys.block(blocked.key.id, ADMIN)

    for made in (revoked, blocked):
        with pytest.raises(Exception, match=r"was revoked|is blocked"):
            await let_in(office, made.secret)


async def test_a_name_in_use_is_refused_and_a_revoked_one_is_free_again(office: Office) -> None:
    made = await office.keys.create(TERMS, ADMIN)
    with pytest.raises(Conflict, match="another live key is named `wiki`"):
        await office.keys.create(TERMS, ADMIN)

    await office.keys.revoke(made.key.id, ADMIN)

    assert (await office.keys.create(TERMS, ADMIN)).key.id != made.key.id


@pytest.mark.parametrize(
    ("terms", "param", "words"),
    [
        (KeyTerms(name=""), "name", "a name of letters"),
        (KeyTerms(name="a\nb"), "name", "a name of letters"),
        (KeyTerms(name="key_0123456789abcdef"), "name", "like a key's id"),
        (KeyTerms(name="a", models=(ModelName("*"), ModelName("b"))), "models", "every model"),
        (KeyTerms(name="a", fields=("priorty",)), "fields", "did you mean `priority`?"),
        (KeyTerms(name="a", fields=("zzzzzz",)), "fields", "known here: `cache_salt`"),
        (KeyTerms(name="a", expires_at=datetime(2026, 1, 1, tzinfo=UTC)), "expires_at", "in the past"),
    ],
)
async def test_terms_no_key_may_have_are_refused(office: Office, terms: KeyTerms, param: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        await office.keys.create(terms, ADMIN)

    assert refused.value.param == param
    assert await office.keys.all() == ()
    assert await office.events() == []


async def test_after_a_rotation_both_values_work_until_the_overlap_is_over(office: Office) -> None:
    old = await office.keys.create(TERMS, ADMIN)

    new = await office.keys.rotate(old.key.id, timedelta(hours=1), ADMIN)

    assert terms_of(new.key) == TERMS
    assert (await let_in(office, old.secret)).key.successor == new.key.id
    assert (await let_in(office, new.secret)).key.id == new.key.id
    office.clock.advance(3601)
    assert (await let_in(office, new.secret)).key.id == new.key.id
    with pytest.raises(Exception, match="expired"):
        await let_in(office, old.secret)


async def test_a_rotation_without_overlap_ends_the_old_value_at_once(office: Office) -> None:
    old = await office.keys.create(BOSS, ADMIN)

    new = await office.keys.rotate(old.key.id, timedelta(0), ADMIN)

    assert (await let_in(office, new.secret)).key.name == "boss"
    with pytest.raises(Exception, match="revoked"):
        await let_in(office, old.secret)


async def test_an_overlap_never_prolongs_a_key(office: Office) -> None:
    end = NOON + timedelta(minutes=10)
    old = await office.keys.create(msgspec.structs.replace(TERMS, expires_at=end), ADMIN)

    new = await office.keys.rotate(old.key.id, timedelta(hours=1), ADMIN)

    assert (await office.keys.find(old.key.id)).expires_at == end
    assert new.key.expires_at == end


async def test_a_blocked_key_stays_blocked_when_it_is_rotated(office: Office) -> None:
    old = await office.keys.create(TERMS, ADMIN)
    await office.keys.block(old.key.id, ADMIN)

    new = await office.keys.rotate(old.key.id, timedelta(0), ADMIN)

    assert new.key.blocked


async def test_what_is_over_cannot_be_changed(office: Office) -> None:
    rotated, revoked = await office.keys.create(TERMS, ADMIN), await office.keys.create(BOSS, ADMIN)
    await office.keys.create(KeyTerms(name="other", role=Role.ADMIN), ADMIN)
    new = await office.keys.rotate(rotated.key.id, timedelta(hours=1), ADMIN)
    await office.keys.revoke(revoked.key.id, ADMIN)

    with pytest.raises(Conflict, match=f"replaced by `{new.key.id}`"):
        await office.keys.rotate(rotated.key.id, timedelta(0), ADMIN)
    with pytest.raises(Conflict, match="replaced"):
        await office.keys.update(rotated.key, TERMS, ADMIN)
    with pytest.raises(Conflict, match="was revoked on"):
        await office.keys.revoke(revoked.key.id, ADMIN)
    with pytest.raises(Conflict, match="was revoked on"):
        await office.keys.unblock(revoked.key.id, ADMIN)
    with pytest.raises(NotFound):
        await office.keys.block(KeyId("key_0000000000000000"), ADMIN)


async def test_the_old_value_of_a_rotated_key_can_be_revoked_at_once(office: Office) -> None:
    old = await office.keys.create(TERMS, ADMIN)
    await office.keys.rotate(old.key.id, timedelta(hours=1), ADMIN)

    assert (await office.keys.revoke(old.key.id, ADMIN)).revoked_at == NOON


async def test_the_last_administrator_can_neither_be_revoked_nor_blocked_nor_demoted(office: Office) -> None:
    boss = await office.keys.create(BOSS, ADMIN)
    await office.keys.create(TERMS, ADMIN)
    member = KeyTerms(name="boss")
    ended = msgspec.structs.replace(BOSS, expires_at=NOON - timedelta(seconds=1))

    for change in (
        office.keys.revoke(boss.key.id, ADMIN),
        office.keys.block(boss.key.id, ADMIN),
        office.keys.update(boss.key, member, ADMIN),
        office.keys.update(boss.key, ended, ADMIN),
    ):
        with pytest.raises(Conflict, match="last admin key"):
            await change

    await office.keys.recover("cli:root")
    assert (await office.keys.revoke(boss.key.id, ADMIN)).revoked_at is not None


async def test_recovery_makes_an_administrator_and_says_so(office: Office) -> None:
    made = await office.keys.recover("cli:root")

    assert made.key.role is Role.ADMIN
    assert made.key.models == ()
    assert [(event.actor, event.action) for event in await office.events()] == [("cli:root", "key.recover")]


async def test_a_key_is_found_by_id_and_by_name_and_a_typo_is_answered_with_the_nearest(office: Office) -> None:
    made = await office.keys.create(TERMS, ADMIN)

    assert (await office.keys.find("wiki")).id == made.key.id
    assert (await office.keys.find(made.key.id)).name == "wiki"
    with pytest.raises(NotFound, match="did you mean `wiki`"):
        await office.keys.find("wikki")
    with pytest.raises(NotFound, match="redoubt keys list"):
        await office.keys.find("zzz")


async def versions(office: Office) -> list[int]:
    return [pepper.version for pepper in (await office.store.snapshot()).peppers]


async def test_after_a_pepper_rotation_old_keys_work_and_new_ones_use_the_new_pepper(office: Office) -> None:
    old = await office.keys.create(TERMS, ADMIN)

    assert await office.keys.rotate_pepper(ADMIN) == 2

    new = await office.keys.create(BOSS, ADMIN)
    assert (old.key.pepper_version, new.key.pepper_version) == (1, 2)
    assert (await let_in(office, old.secret)).key.id == old.key.id
    assert (await let_in(office, new.secret)).key.id == new.key.id


async def test_a_key_is_rehashed_at_use_and_the_old_pepper_goes_with_the_last_of_its_keys(office: Office) -> None:
    made = [await office.keys.create(msgspec.structs.replace(TERMS, name=name), ADMIN) for name in ("a", "b")]
    await office.keys.rotate_pepper(ADMIN)

    assert await office.keys.rehash(made[0].key.id, made[0].secret)
    assert await versions(office) == [1, 2]
    assert await office.keys.rehash(made[1].key.id, made[1].secret)
    assert await versions(office) == [2]

    for one in made:
        who = await let_in(office, one.secret)
        assert (who.key.id, who.key.pepper_version) == (one.key.id, 2)
    assert not await office.keys.rehash(made[0].key.id, made[0].secret)


async def test_a_key_is_not_rehashed_with_a_value_that_is_not_its_own(office: Office) -> None:
    one, other = await office.keys.create(TERMS, ADMIN), await office.keys.create(BOSS, ADMIN)
    await office.keys.rotate_pepper(ADMIN)

    assert not await office.keys.rehash(one.key.id, other.secret)
    assert not await office.keys.rehash(KeyId("key_0000000000000000"), one.secret)
    assert (await let_in(office, one.secret)).key.pepper_version == 1


async def test_revoking_the_last_key_of_a_retired_pepper_drops_it(office: Office) -> None:
    made = await office.keys.create(TERMS, ADMIN)
    await office.keys.rotate_pepper(ADMIN)

    await office.keys.revoke(made.key.id, ADMIN)

    assert await versions(office) == [2]


async def test_without_its_pepper_a_store_with_keys_makes_no_new_one_silently(office: Office) -> None:
    await office.keys.create(TERMS, ADMIN)
    async with office.store.unit() as unit:
        await unit.delete_pepper(1)

    with pytest.raises(ConfigError, match="restore the backup"):
        await office.keys.create(BOSS, ADMIN)


async def test_another_master_key_opens_nothing(office: Office) -> None:
    await office.keys.create(TERMS, ADMIN)
    stranger = Keys(office.store, type(office.master)(b"x" * 32), office.clock)

    with pytest.raises(ConfigError, match="does not open `pepper 1`"):
        await stranger.create(BOSS, ADMIN)


def test_a_made_key_does_not_print_its_value() -> None:
    made = Made(Key(id=KeyId("k"), name="n", digest=b"", pepper_version=1, hint="h", created_at=NOON), Secret("value"))

    assert "value" not in repr(made)


async def test_of_two_who_change_one_key_at_once_the_second_is_told(office: Office) -> None:
    seen = (await office.keys.create(TERMS, ADMIN)).key
    first = msgspec.structs.replace(TERMS, limits=Limits(rpm=9))

    changed = await office.keys.update(seen, first, ADMIN)

    with pytest.raises(Conflict, match="was changed by somebody else"):
        await office.keys.update(seen, msgspec.structs.replace(TERMS, limits=Limits(tpm=9)), "key_1")
    assert (await office.keys.update(seen, first, "key_1")).limits == changed.limits  # as wanted already
