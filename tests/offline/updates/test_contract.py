"""One private name of python-tuf is used, to judge by a moment of our own; it is held here against the pinned one."""

import inspect
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from tuf.api.metadata import Timestamp
from tuf.ngclient import FetcherInterface, Updater

from offline.audit.pins import of_lock
from offline.updates.tuf import TUF, FolderFetcher, SiteUpdater
from tests.offline.updates.media import Sender

LOCKS = sorted((Path(__file__).parents[3] / "offline" / "locks").glob("tools-*.txt"))


def test_the_version_here_is_the_one_this_was_written_against() -> None:
    assert version("tuf") == TUF


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.name)
def test_every_tools_lock_pins_that_version(file: Path) -> None:
    assert {one.name: one.version for one in of_lock(file).pins}["tuf"] == TUF


def test_nothing_is_judged_before_the_moment_can_be_set(tmp_path: Path) -> None:
    """The set is made by the constructor, which reads the first root only, and of that no expiry."""
    sender = Sender(tmp_path)
    (tmp_path / "cache").mkdir()
    at = datetime(2001, 1, 1, tzinfo=UTC)

    made = SiteUpdater(tmp_path / "cache", sender.medium, sender.root, at)

    assert made._trusted_set.reference_time == at
    assert Timestamp.type not in made._trusted_set


def test_every_judgement_of_time_asks_for_that_moment() -> None:
    told = inspect.getsource(inspect.getmodule(type(_set())) or pytest)

    assert told.count("is_expired(") == told.count("is_expired(self.reference_time)") == 4


def _set() -> object:
    from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet  # noqa: PLC0415 -- the contract

    return object.__new__(TrustedMetadataSet)


def test_a_fetcher_needs_one_method() -> None:
    assert FetcherInterface.__abstractmethods__ == {"_fetch"}
    assert issubclass(FolderFetcher, FetcherInterface)


def test_an_updater_takes_its_first_root_as_bytes() -> None:
    taken = inspect.signature(Updater.__init__).parameters

    assert {"metadata_dir", "metadata_base_url", "fetcher", "config", "bootstrap"} <= taken.keys()
