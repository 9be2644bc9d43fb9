from datetime import timedelta

import pytest

from appliance.domain.errors import ExpiredKey, InvalidKey
from appliance.domain.identity import Key
from appliance.identity.keys import digest
from appliance.identity.ring import KeyRing
from tests.fakes.clock import NOON
from tests.fakes.site import PEPPER, SALT, a_key, token

A_SECOND = timedelta(seconds=1)


def ring(*keys: Key) -> KeyRing:
    return KeyRing(keys, {1: PEPPER}, SALT)


def salt(key: Key, secret: bytes = SALT) -> str:
    return KeyRing([key], {1: PEPPER}, secret).principals()[0].salt


def test_a_live_key_is_its_principal() -> None:
    key = a_key()

    assert ring(key, a_key(2)).authenticate(token(), NOON).key == key


@pytest.mark.parametrize("junk", ["", "rdt_", "sk-abc", token()[:-1], token() + " ", token().lower(), "ä" * 40])
def test_junk_is_no_key(junk: str) -> None:
    with pytest.raises(InvalidKey):
        ring(a_key()).authenticate(junk, NOON)


def test_a_well_formed_key_of_another_site_is_no_key() -> None:
    with pytest.raises(InvalidKey):
        ring(a_key(1)).authenticate(token(2), NOON)


def test_an_empty_ring_lets_nobody_in() -> None:
    with pytest.raises(InvalidKey):
        KeyRing([], {}, SALT).authenticate(token(), NOON)


def test_a_blocked_key_is_refused() -> None:
    with pytest.raises(InvalidKey, match="blocked"):
        ring(a_key(blocked=True)).authenticate(token(), NOON)


@pytest.mark.parametrize("since", [timedelta(0), A_SECOND])
def test_a_key_is_revoked_from_the_very_moment_on(since: timedelta) -> None:
    with pytest.raises(InvalidKey, match="revoked"):
        ring(a_key(revoked_at=NOON)).authenticate(token(), NOON + since)


@pytest.mark.parametrize("since", [timedelta(0), A_SECOND])
def test_a_key_has_expired_from_the_very_moment_on(since: timedelta) -> None:
    with pytest.raises(ExpiredKey, match="expired on 2026-11-22 12:00 UTC"):
        ring(a_key(expires_at=NOON)).authenticate(token(), NOON + since)


def test_a_key_serves_until_it_ends() -> None:
    key = a_key(expires_at=NOON + A_SECOND, revoked_at=NOON + A_SECOND)

    assert ring(key).authenticate(token(), NOON).key == key


def test_a_revoked_key_is_told_so_whatever_else_it_is() -> None:
    key = a_key(blocked=True, revoked_at=NOON, expires_at=NOON)

    with pytest.raises(InvalidKey, match="revoked"):
        ring(key).authenticate(token(), NOON)


@pytest.mark.parametrize(
    "key", [a_key(blocked=True), a_key(revoked_at=NOON), a_key(expires_at=NOON)], ids=["blocked", "revoked", "expired"]
)
def test_a_refusal_names_the_key_by_its_hint_alone(key: Key) -> None:
    with pytest.raises((InvalidKey, ExpiredKey)) as refused:
        ring(key).authenticate(token(), NOON)

    assert key.hint in refused.value.message
    assert token() not in refused.value.message


def test_junk_is_not_repeated_to_whoever_sent_it() -> None:
    with pytest.raises(InvalidKey) as refused:
        ring(a_key()).authenticate("rdt_secret-of-another-site", NOON)

    assert "another-site" not in refused.value.message


def test_keys_of_the_old_and_of_the_new_pepper_are_known_side_by_side() -> None:
    old = a_key(1)
    new = a_key(2, digest=digest(b"pepper two", token(2)), pepper_version=2)
    both = KeyRing([old, new], {1: PEPPER, 2: b"pepper two"}, SALT)

    assert both.authenticate(token(1), NOON).key == old
    assert both.authenticate(token(2), NOON).key == new
    assert both.newest == 2


def test_a_key_whose_pepper_is_gone_is_unknown() -> None:
    left = KeyRing([a_key()], {2: b"pepper two"}, SALT)

    with pytest.raises(InvalidKey):
        left.authenticate(token(), NOON)


def test_a_salt_is_stable_and_differs_by_tenant_and_site() -> None:
    assert salt(a_key(1)) == salt(a_key(1, name="renamed", blocked=True, team="blue"))
    assert salt(a_key(1)) != salt(a_key(2))
    assert salt(a_key(1)) != salt(a_key(1), b"another site")
    assert len(salt(a_key(1))) == 32


def test_keys_of_one_workspace_share_their_salt() -> None:
    assert salt(a_key(1, workspace="lab")) == salt(a_key(2, workspace="lab"))
    assert salt(a_key(1, workspace="lab")) != salt(a_key(1, workspace="hall"))


def test_a_workspace_cannot_take_the_salt_of_a_key() -> None:
    key = a_key(1)

    assert salt(a_key(2, workspace=str(key.id))) != salt(key)
    assert salt(a_key(2, workspace=f"key:{key.id}")) != salt(key)
