"""Going away. These only go forward: an interrupted removal is finished, never taken back."""

import os
import secrets
from dataclasses import replace
from pathlib import Path

from installer import accounts
from installer.disk import remove_tree
from installer.installed import read_installed, read_site, write_installed
from installer.layout import Layout
from installer.work import Work

MASTER_KEY = "master.key"


class _Forward:
    def undo(self, work: Work) -> None:
        """There is no way back."""


class Stopped(_Forward):
    """Nobody serves, and nothing will start it again."""

    name = "stop"

    def do(self, work: Work) -> None:
        work.means.service.stop()
        work.means.service.remove()
        if work.operation.verb == "purge":
            work.means.service.forget()


class KeyDestroyed(_Forward):
    """The master key first: whatever else survives on this disk or in a backup opens to nobody."""

    name = "destroy the key"

    def do(self, work: Work) -> None:
        for folder in (work.layout.data, work.layout.config):
            file = folder / MASTER_KEY
            if file.is_file() and not file.is_symlink():
                if os.geteuid():  # root needs no permission; the folder may be another user's, who could swap the file
                    file.chmod(0o600)
                descriptor = os.open(file, os.O_WRONLY | os.O_NOFOLLOW)
                try:
                    os.write(descriptor, secrets.token_bytes(os.fstat(descriptor).st_size))
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                file.unlink()


class Removed(_Forward):
    """Programs, and with `--purge` everything that is the site's own."""

    name = "remove"

    def do(self, work: Work) -> None:
        layout = work.layout
        if layout.current.is_symlink():
            layout.current.unlink()
        for folder in (*_programs(layout), *(_own(layout) if work.operation.verb == "purge" else ())):
            remove_tree(folder)
            work.means.progress.thing(str(folder))


class Account(_Forward):
    """The user that was made for it."""

    name = "user"

    def do(self, work: Work) -> None:
        user = work.means.service.user
        if user and read_site(work.layout).made_user:
            accounts.remove(user)


class Forget(_Forward):
    """Nothing is installed; whom the site believes and what it has seen stays."""

    name = "record"

    def do(self, work: Work) -> None:
        before = read_installed(work.layout)
        write_installed(work.layout, replace(before, release="", version="", seq=0, previous="", backup=""))


class Leave(_Forward):
    """The last traces: the journal too, so this comes instead of its last line."""

    name = "leave"

    def do(self, work: Work) -> None:
        remove_tree(work.layout.state)
        if work.layout.prefix.is_dir() and not any(work.layout.prefix.iterdir()):
            work.layout.prefix.rmdir()


def _programs(layout: Layout) -> tuple[Path, ...]:
    return (layout.releases, layout.bin, layout.store, layout.staging, layout.run)


def _own(layout: Layout) -> tuple[Path, ...]:
    return (layout.data, layout.config, layout.overlays, layout.backups, layout.log)
