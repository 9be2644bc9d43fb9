"""Where everything of a site lies. docs/decisions/0009, "On the site"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from installer.failure import Failed

ROOT_PREFIX = Path("/opt/redoubt")
ROOT_CONFIG = Path("/etc/redoubt")
ROOT_DATA = Path("/var/lib/redoubt")
BUNDLE = "bundle"
KINDS = ("serve", "tools")
INVENTORY = "files.sha256"
RECEIPT = "receipt.json"


@dataclass(frozen=True)
class Release:
    """One release's folder."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def bundle(self) -> Path:
        return self.folder / BUNDLE

    @property
    def inventory(self) -> Path:
        return self.folder / INVENTORY

    @property
    def receipt(self) -> Path:
        return self.folder / RECEIPT

    def python(self, kind: str) -> Path:
        return self.folder / kind / "bin" / "python"


@dataclass(frozen=True)
class Layout:
    """The folders of one site."""

    prefix: Path
    config: Path
    data: Path

    @property
    def releases(self) -> Path:
        return self.prefix / "releases"

    @property
    def current(self) -> Path:
        return self.prefix / "current"

    @property
    def bin(self) -> Path:
        return self.prefix / "bin"

    @property
    def store(self) -> Path:
        return self.prefix / "store"

    @property
    def overlays(self) -> Path:
        return self.prefix / "overlays"

    @property
    def staging(self) -> Path:
        return self.prefix / "staging"

    @property
    def backups(self) -> Path:
        return self.prefix / "backups"

    @property
    def run(self) -> Path:
        """What lives as long as the gateway: its number, its lock."""
        return self.prefix / "run"

    @property
    def log(self) -> Path:
        return self.prefix / "log"

    @property
    def state(self) -> Path:
        return self.prefix / "state"

    @property
    def trust(self) -> Path:
        return self.state / "trust"

    @property
    def site_trust(self) -> Path:
        """The site's own keys, for what it signs itself."""
        return self.state / "site-trust"

    @property
    def receipts(self) -> Path:
        return self.state / "receipts"

    @property
    def installed(self) -> Path:
        return self.state / "installed.json"

    @property
    def site(self) -> Path:
        return self.state / "site.json"

    @property
    def journal(self) -> Path:
        return self.state / "journal.jsonl"

    @property
    def lock(self) -> Path:
        return self.state / "lock"

    @property
    def settings(self) -> Path:
        """The gateway's own configuration file."""
        return self.config / "redoubt.yaml"

    @property
    def first_key(self) -> Path:
        """The first admin key, until somebody took it."""
        return self.config / "first-admin-key"

    def release(self, id_: str) -> Release:
        """Raises Failed unless it is the plain name of a release."""
        if not id_ or "/" in id_ or id_.startswith("."):
            raise Failed(f"`{id_}` is not the name of a release")
        return Release(self.releases / id_)

    def kept(self) -> Iterator[Release]:
        """Releases that lie here, in order of name."""
        if self.releases.is_dir():
            for folder in sorted(self.releases.iterdir()):
                if folder.is_dir() and not folder.name.startswith("."):
                    yield Release(folder)

    def serving(self) -> Release | None:
        """The one that `current` points to."""
        if not self.current.is_symlink():
            return None
        return Release(self.releases / Path(self.current.readlink()).name)


def within(prefix: Path) -> Layout:
    """A site in one folder."""
    return Layout(prefix, prefix / "etc", prefix / "data")


def of_root() -> Layout:
    """A site of this machine."""
    return Layout(ROOT_PREFIX, ROOT_CONFIG, ROOT_DATA)


def layout_of(prefix: Path) -> Layout:
    """The folders that belong to a prefix. Raises Failed for one that a shell or a unit would not take literally."""
    text = str(prefix)
    if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._+][A-Za-z0-9._+-]*)+", text):
        raise Failed(f"`{text}` cannot be a prefix: use an absolute path whose names hold letters, digits and `._+-`")
    return of_root() if prefix == ROOT_PREFIX else within(prefix)
