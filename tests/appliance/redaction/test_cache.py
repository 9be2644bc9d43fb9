"""Findings by keyed hash: bounded in entries and bytes, and silent about what they were found in."""

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.cache import Cache

DIGEST, OTHER = "00" * 16, "11" * 16
FOUND = (Finding(0, 4, Entity("PERSON"), 0.9),)


def test_what_was_put_is_got_for_the_same_analysis_only() -> None:
    cache = Cache(entries=10, size=10_000)
    cache.put(cache.key(DIGEST, "Anna"), FOUND)

    assert cache.get(cache.key(DIGEST, "Anna")) == FOUND
    assert cache.get(cache.key(OTHER, "Anna")) is None
    assert cache.get(cache.key(DIGEST, "anna")) is None


def test_a_text_without_findings_is_known_too() -> None:
    cache = Cache(entries=10, size=10_000)
    cache.put(cache.key(DIGEST, "hello"), ())

    assert cache.get(cache.key(DIGEST, "hello")) == ()


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(entries=2, size=10_000)
    first, second, third = (cache.key(DIGEST, text) for text in "abc")
    cache.put(first, FOUND)
    cache.put(second, FOUND)
    cache.get(first)
    cache.put(third, FOUND)

    assert (cache.get(first), cache.get(second), cache.get(third)) == (FOUND, None, FOUND)


def test_bytes_are_bounded_and_counted_down_again() -> None:
    cache = Cache(entries=1000, size=5_000)
    for number in range(1000):
        cache.put(cache.key(DIGEST, str(number)), FOUND * (number % 7))
        cache.put(cache.key(DIGEST, str(number)), FOUND)
    full = cache.used

    assert 0 < len(cache) < 20
    assert full <= 5_000
    cache.put(cache.key(DIGEST, "huge"), FOUND * 1000)
    assert cache.get(cache.key(DIGEST, "huge")) is None
    assert cache.used == full


def test_two_caches_name_the_same_text_differently() -> None:
    one, two = Cache(entries=2, size=1000), Cache(entries=2, size=1000)

    assert one.key(DIGEST, "Anna") != two.key(DIGEST, "Anna")
    assert "Anna" not in repr(vars(one))
