"""Programs are run here and nowhere else: with nothing of the caller's environment, and no network where that can be.

The release's own programs run as the site's user, with its configuration; the host's with what they need.
"""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from installer.failure import Failed
from installer.layout import Layout, Release
from installer.work import Ran

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT: Mapping[str, str] = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
UNSHARE = (("unshare", "-n"), ("unshare", "-rn"))
LOCAL = ("smoke",)  # what speaks with the running gateway, over loopback


def run(words: Sequence[str], *, within: float = 60, user: str = "", keep: Sequence[int] = ()) -> Ran:
    """Raises Failed when it cannot be run, or takes longer. `user`: whom it runs as; empty: us.

    `keep`: descriptors that it keeps open, the site's lock among them.
    """
    who = pwd.getpwnam(user) if user else None
    try:
        ran = subprocess.run(  # noqa: S603 -- our own words, never a shell
            words,
            env=dict(ENVIRONMENT),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=within,
            cwd="/",
            pass_fds=tuple(keep),
            user=None if who is None else who.pw_uid,
            group=None if who is None else who.pw_gid,
            extra_groups=None if who is None else [],
            umask=0o077 if who is not None else -1,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"`{Path(words[0]).name}` did not end within {within:.0f} s") from None
    except OSError as error:
        raise Failed(f"`{words[0]}` cannot be run: {error.strerror}") from error
    return Ran(ran.returncode, ran.stdout.decode("utf-8", "replace"), ran.stderr.decode("utf-8", "replace"))


def networkless() -> tuple[str, ...]:
    """What to put before a program so that it has no network; empty where this host does not allow it."""
    for words in UNSHARE:
        try:
            if run([*words, "true"], within=5).code == 0:
                return words
        except Failed:
            continue
    return ()


class ReleasePrograms:
    """`work.Gateway`, for real."""

    def __init__(self, layout: Layout, user: str = "", alone: Sequence[str] = (), keep: Sequence[int] = ()) -> None:
        self._layout = layout
        self._keep = keep
        self._user = user if os.geteuid() == 0 else ""
        self._alone = alone

    def __call__(self, release: Release, words: Sequence[str], *, kind: str = "serve", within: float = 60) -> Ran:
        config = ("--config", str(self._layout.settings))
        command = [str(release.python(kind)), "-I", "-B", "-m", "appliance.cli", *config, *words]
        alone = () if words[0] in LOCAL else self._alone
        return run([*alone, *command], within=within, user=self._user, keep=self._keep)


def compile_all(python: Path, site: Path, sources: Sequence[str], alone: Sequence[str]) -> None:
    """Byte code that is never held against its source again: `verify-installed` does that.

    `-s` takes the staging folder out of what is written. Nothing of the release runs: it is read, not imported.
    """
    if not sources:
        return
    listed = site.parent / "sources"
    listed.write_text("".join(f"{site / path}\n" for path in sources), encoding="utf-8")
    compileall = [str(python), "-I", "-S", "-m", "compileall", "-q", "-q", "-j", str(min(os.cpu_count() or 1, 4))]
    run([*alone, *compileall, "--invalidation-mode", "unchecked-hash", "-s", str(site), "-i", str(listed)], within=600)
    listed.unlink()
