"""The cache of wheels, and what is asked of an index."""

from pathlib import Path

import pytest

from offline.cache import WheelCache
from offline.failure import Failure
from offline.fetch import fetch
from offline.rules.lock import Pin
from tests.fakes.bundle import wheel
from tests.fakes.source import pins


def test_what_the_cache_has_is_never_asked_of_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = wheel(tmp_path / "made", "alpha", "1.0", {"alpha.py": b""})
    cache = WheelCache(tmp_path / "cache")
    cache.put(made)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("pip was started"))

    assert [one.read_bytes() for one in fetch(pins([made]), "3.11", "x86_64", cache)] == [made.read_bytes()]


def test_a_wheel_that_rotted_in_the_cache_is_not_taken(tmp_path: Path) -> None:
    cache = WheelCache(tmp_path / "cache")
    kept = cache.put(wheel(tmp_path / "made", "alpha", "1.0", {"alpha.py": b""}))
    sha256 = kept.parent.name
    kept.write_bytes(kept.read_bytes() + b"!")

    assert cache.find(sha256) is None
    with pytest.raises(Failure, match="`alpha` is not in"):
        cache.take(sha256, "alpha")


@pytest.mark.index
def test_a_hash_that_no_index_has_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="could not fetch 1 wheels by their hashes"):
        fetch([Pin("idna", "3.10", "0" * 64)], "3.11", "x86_64", WheelCache(tmp_path / "cache"))
