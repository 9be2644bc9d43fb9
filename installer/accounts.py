"""The user that the gateway runs as."""

import os
import pwd
import shutil
from pathlib import Path

from installer.failure import Failed
from installer.programs import run


def exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def make(name: str, home: Path) -> None:
    """A system user without a shell, when there is none of that name. Raises Failed."""
    if exists(name):
        return
    for program, words in (
        ("useradd", ("--system", "--user-group", "--no-create-home", "--home-dir", str(home))),
        ("adduser", ("-S", "-D", "-H", "-h", str(home))),  # BusyBox
    ):
        if shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin"):
            shell = ("--shell", "/usr/sbin/nologin") if program == "useradd" else ("-s", "/sbin/nologin")
            ran = run([program, *words, *shell, name])
            if ran.code:
                raise Failed(f"the user `{name}` cannot be made: {ran.last_words}")
            return
    raise Failed(f"there is no user `{name}` and neither `useradd` nor `adduser`; make it, then try again")


def remove(name: str) -> None:
    """Gone, when it was there. Raises Failed."""
    if exists(name) and shutil.which("userdel", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        ran = run(["userdel", name])
        if ran.code:
            raise Failed(f"the user `{name}` cannot be removed: {ran.last_words}")


def give(folder: Path, name: str) -> None:
    """What root left below `folder` goes to the user. Never through a link, never a file that has another name too."""
    who = pwd.getpwnam(name)
    for top, folders, files, handle in os.fwalk(folder, follow_symlinks=False):
        _ = top
        for one in (*folders, *files):
            told = os.stat(one, dir_fd=handle, follow_symlinks=False)
            if told.st_uid == 0 and (one in folders or told.st_nlink == 1):
                os.chown(one, who.pw_uid, who.pw_gid, dir_fd=handle, follow_symlinks=False)
    os.chown(folder, who.pw_uid, who.pw_gid, follow_symlinks=False)
