import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from appliance.identity.keys import ALPHABET, BODY, CHECK, LENGTH, base62, digest, hint, mint, parse
from tests.fakes.site import token

KEYS = st.integers(0, 62**30 - 1).map(token)


def test_a_minted_key_looks_as_documented() -> None:
    key = mint().reveal()

    assert key.startswith("rdt_")
    assert len(key) == LENGTH == 4 + BODY + CHECK == 40
    assert set(key[4:]) <= set(ALPHABET)
    assert parse(key) == key


def test_minted_keys_differ_and_use_the_whole_alphabet() -> None:
    keys = [mint().reveal() for _ in range(200)]

    assert len(set(keys)) == 200
    assert set("".join(key[4:34] for key in keys)) == set(string.ascii_letters + string.digits)


@pytest.mark.parametrize("number", [0, 61, 62, 2**32 - 1])
def test_base62_has_its_own_length(number: int) -> None:
    text = base62(number, CHECK)

    assert len(text) == CHECK
    assert sum(ALPHABET.index(digit) * 62**place for place, digit in enumerate(reversed(text))) == number


@settings(deadline=None)
@given(KEYS)
def test_a_well_formed_key_is_taken_as_it_is(key: str) -> None:
    assert parse(key) == key


@settings(deadline=None)
@given(KEYS, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET + "_-. \n\0ä"))
def test_one_wrong_character_is_refused(key: str, place: int, other: str) -> None:
    assume(key[place] != other)

    assert parse(key[:place] + other + key[place + 1 :]) is None


@settings(deadline=None)
@given(KEYS, st.integers(0, LENGTH - 2))
def test_two_neighbours_changed_over_are_refused(key: str, place: int) -> None:
    one, two = key[place], key[place + 1]
    assume(one != two)

    assert parse(key[:place] + two + one + key[place + 2 :]) is None


@settings(deadline=None)
@given(KEYS, st.integers(0, LENGTH), st.text(min_size=1, max_size=3))
def test_a_key_with_more_in_it_is_refused(key: str, place: int, more: str) -> None:
    assert parse(key[:place] + more + key[place:]) is None


@settings(deadline=None)
@given(KEYS, st.integers(0, LENGTH - 1))
def test_a_key_cut_short_is_refused(key: str, length: int) -> None:
    assert parse(key[:length]) is None


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet=ALPHABET + "_", min_size=LENGTH, max_size=LENGTH))
def test_junk_is_refused_and_no_fault(junk: str) -> None:
    assert parse(junk) is None


def test_letters_of_other_scripts_are_no_base62() -> None:
    stem = "rdt_" + "é" * BODY

    assert parse(stem + "000000") is None


def test_a_digest_depends_on_pepper_and_key() -> None:
    assert len(digest(b"one", token(1))) == 32
    assert digest(b"one", token(1)) == digest(b"one", token(1))
    assert len({digest(b"one", token(1)), digest(b"two", token(1)), digest(b"one", token(2))}) == 3


@settings(deadline=None)
@given(KEYS)
def test_a_hint_does_not_give_the_key_away(key: str) -> None:
    told = hint(key)

    assert len(told) == 13
    assert key[8:-4] not in told
    assert (told[:8], told[-4:]) == (key[:8], key[-4:])
