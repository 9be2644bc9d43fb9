"""CVE-2026-35030: callers were remembered by the first 20 characters of their token. And: keys that can be guessed."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config.schema import Site
from appliance.domain.errors import InvalidKey
from appliance.identity.keys import ALPHABET, BODY, base62, mint
from appliance.identity.ring import KeyRing
from tests.attacks.api.wire import bearer, send
from tests.e2e.planted import Planted
from tests.fakes.clock import NOON
from tests.fakes.site import PEPPER, SALT, a_key, token

OURS = token(1)


def finished(stem: str) -> str:
    """A key with this beginning and the checksum that goes with it."""
    return stem + base62(zlib.crc32(stem.encode()), 6)


def ring() -> KeyRing:
    return KeyRing([a_key(1), a_key(2)], {1: PEPPER}, SALT)


@given(st.integers(4, 4 + BODY - 1), st.text(ALPHABET, min_size=BODY, max_size=BODY))
def test_no_beginning_of_a_key_is_enough(length: int, rest: str) -> None:
    forged = finished((OURS[:length] + rest)[: 4 + BODY])
    if forged == OURS:
        return

    with pytest.raises(InvalidKey):
        ring().authenticate(forged, NOON)


def test_a_key_of_the_same_hint_is_another_key() -> None:
    """The hint holds the first 8 and the last 4 characters; 62^4 tries find a checksum that ends alike."""
    keys = ring()
    for number in range(20_000):
        stem = OURS[:8] + base62(number, BODY - 4)
        with pytest.raises(InvalidKey):
            keys.authenticate(finished(stem), NOON)


@pytest.mark.parametrize(
    "forged",
    [
        OURS.swapcase(), OURS.lower(), OURS.upper(), OURS[:-1], OURS + "A", OURS + "\n", OURS + "\x00", OURS + " ",
        " " + OURS, OURS[4:], "Bearer " + OURS, OURS.replace("r", "\uff52"), OURS + OURS, "", "rdt_", "rdt_" + "0" * 36,
    ],
)  # fmt: skip
def test_nothing_like_a_key_is_the_key(forged: str) -> None:
    with pytest.raises(InvalidKey):
        ring().authenticate(forged, NOON)


def test_the_ring_finds_keys_by_their_whole_digest_and_holds_no_key() -> None:
    keys = ring()

    assert [len(digest) for digest in keys._by_digest] == [32, 32]  # a lookup compares no secret character by character
    assert OURS not in repr(vars(keys))


def test_an_unknown_key_and_a_malformed_one_are_refused_in_the_same_words(attacked: Planted) -> None:
    told = {
        send(attacked.site.url, "GET", "/v1/models", bearer(key)).text
        for key in (mint().reveal(), OURS, "sk-1234", "rdt_" + "0" * 36, "x" * 4000)
    }

    assert len(told) == 1


@pytest.mark.parametrize(
    "key", ["sk-1234", "admin", "root", "123456", "password", "test", "EMPTY", "none", "null", "sk-master"]
)
def test_a_new_site_has_no_key_that_can_be_guessed(attacked: Planted, key: str) -> None:
    for base, path in ((attacked.site.url, "/v1/models"), (attacked.site.admin_url, "/admin/keys")):
        assert send(base, "GET", path, bearer(key)).status == 401


def test_the_admin_listener_is_on_loopback_unless_told_otherwise() -> None:
    """CVE-2020-11710: an admin API that anybody could reach."""
    assert Site().listen.admin.host == "127.0.0.1"
    assert not Site().listen.admin.beyond_loopback
