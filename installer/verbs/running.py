"""`start` and `stop`: the gateway of a site, by whatever keeps it running there: a process of ours, or systemd."""

import argparse
import json
import time

from installer.failure import Failed
from installer.installed import Installed, read_installed
from installer.layout import Layout
from installer.verbs.asking import differences
from installer.work import Means

READY_WITHIN = 30.0  # seconds
LOOK = 2  # seconds of one look, so that a gateway that ended is not waited for


def start(asked: argparse.Namespace, layout: Layout, means: Means) -> int:
    """It serves when this returns; serving already is fine. Raises Failed, with what the gateway said last."""
    installed = _installed(layout)
    if means.service.running():
        return _told(asked, installed, means, running=True, changed=False)
    if means.service.kind == "process":  # a unit of systemd asks this by itself
        _check(layout, means)
    means.service.start()
    _await(layout, means, installed)
    return _told(asked, installed, means, running=True, changed=True)


def stop(asked: argparse.Namespace, layout: Layout, means: Means) -> int:
    """Nobody serves when this returns; running streams got their time. Raises Failed."""
    installed = _installed(layout)
    running = means.service.running()
    means.service.stop()
    return _told(asked, installed, means, running=False, changed=running)


def _installed(layout: Layout) -> Installed:
    found = read_installed(layout)
    if not found.release:
        raise Failed(f"there is no release in `{layout.prefix}` yet; use `install`")
    return found


def _check(layout: Layout, means: Means) -> None:
    """As every start does it. Raises Failed, but on a trial."""
    means.progress.say("verifying what is installed")
    wrong, trial = differences(layout, means)
    if not wrong:
        return
    said = f"it is not what was installed: {wrong[0]} ({len(wrong)} in all; look at `verify-installed`)"
    if not trial:
        raise Failed(f"the gateway is not started: {said}")
    means.progress.say(f"warning: {said}; this is a trial, so it starts all the same; a site would not")


def _await(layout: Layout, means: Means, installed: Installed) -> None:
    means.progress.say("started; asking whether it serves")
    release, until = layout.release(installed.release), time.monotonic() + READY_WITHIN
    while True:
        ran = means.gateway(release, ("smoke", "--expect", installed.version, "--within", str(LOOK)))
        if ran.code == 0:
            return
        if not means.service.running():
            raise Failed(f"the gateway ended again: {means.service.last_words()}")
        if time.monotonic() > until:
            raise Failed(f"the gateway runs and does not serve: {ran.last_words}; {means.service.last_words()}")


def _told(asked: argparse.Namespace, installed: Installed, means: Means, *, running: bool, changed: bool) -> int:
    if asked.json:
        told = {"release": installed.release, "version": installed.version, "service": means.service.kind}
        print(json.dumps({**told, "running": running, "changed": changed}, indent=2, sort_keys=True))
        return 0
    done = ("serves" if changed else "serves already") if running else ("stopped" if changed else "was not running")
    print(f"{installed.release} {done}")
    return 0
