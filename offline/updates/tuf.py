"""python-tuf's client over a folder, with a moment of our own to judge by.

`Updater` judges by the host's clock when it is made, and has no public way to say otherwise. `_trusted_set` is private:
the lock pins tuf exactly, and tests/offline/updates/test_contract.py holds what is used here against that version.
"""

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.api.metadata import Targets
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from offline.rules.moments import read_moment
from offline.updates.metadata import CREATED, METADATA

TUF = "7.0.1"  # what this file was written against
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,120}\.json")
_BLOCK = 64 * 1024


class FolderFetcher(FetcherInterface):
    """Metadata out of a folder. No link is followed, no name leads elsewhere, and there is no network."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix(f"{METADATA}/")
        if not _NAME.fullmatch(name):
            raise DownloadError(f"`{name[:80]}` is no name of metadata")
        try:
            held = os.open(self._folder / METADATA / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            # as a web server says it; TUF takes it for `there is no newer root`
            raise DownloadHTTPError(f"`{name}` is not on the medium", 404) from None
        return _blocks(held)


def _blocks(held: int) -> Iterator[bytes]:
    with os.fdopen(held, "rb") as opened:
        while block := opened.read(_BLOCK):
            yield block


class SiteUpdater(Updater):
    """One look at one medium. Raises RepositoryError for a root that does not verify, then as `refresh` does."""

    def __init__(self, cache: Path, medium: Path, root: bytes, at: datetime) -> None:
        config = UpdaterConfig(max_root_rotations=64, max_delegations=8)
        super().__init__(str(cache), f"{METADATA}/", fetcher=FolderFetcher(medium), config=config, bootstrap=root)
        self._trusted_set.reference_time = at

    def top(self) -> Targets:
        return self._trusted_set.targets

    def carried(self) -> list[str]:
        """Channels of which the medium carries anything, in order."""
        delegations = self.top().delegations
        roles = sorted((delegations.roles or {}) if delegations else {})
        return [name for name in roles if f"{name}.json" in self._trusted_set.snapshot.meta]

    def channel(self, name: str) -> Targets:
        """What the channel's holders signed. Raises RepositoryError."""
        self.get_targetinfo(f"{name}/.")  # never there: asking makes TUF load and verify the role
        found = self._trusted_set[name]
        if not isinstance(found, Targets):
            raise DownloadError(f"`{name}` was not loaded")
        return found

    def number(self) -> int:
        return self._trusted_set.timestamp.version

    def root_number(self) -> int:
        return self._trusted_set.root.version

    def root_expires(self) -> datetime:
        return self._trusted_set.root.expires

    def expires(self) -> datetime:
        return self._trusted_set.timestamp.expires

    def created(self) -> datetime:
        """When the medium was made, under the timestamp's signature. Raises Refused when it does not say."""
        return read_moment(str(self._trusted_set.timestamp.unrecognized_fields.get(CREATED, "")))
