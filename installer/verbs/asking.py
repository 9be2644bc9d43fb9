"""`status` and `verify-installed`: what reads, and changes nothing."""

import argparse
import json

from installer import overlays, receipts
from installer.installed import read_installed, read_site
from installer.journal import Journal
from installer.layout import Layout
from installer.standing import findings
from installer.work import Means


def status(asked: argparse.Namespace, layout: Layout, means: Means) -> int:
    """What is installed, what serves, what is kept, what was interrupted. Exit 1 when something wants attention."""
    installed, site = read_installed(layout), read_site(layout)
    left = Journal(layout.journal).unfinished()
    serving = layout.serving()
    told = {
        "prefix": str(layout.prefix),
        "release": installed.release or None,
        "version": installed.version or None,
        "seq": installed.seq,
        "mode": site.mode,
        "service": site.service,
        "running": bool(installed.release) and means.service.running(),
        "current": serving.id if serving else None,
        "kept": [one.id for one in layout.kept()],
        "rollback_to": installed.previous or None,
        "backup": installed.backup or None,
        "interrupted": left.verb if left else None,
        "overlays": overlays.listed(layout),
        "receipts": sum(1 for _ in receipts.chain(layout)),
        "receipts_broken": receipts.broken(layout),
    }
    if asked.json:
        print(json.dumps(told, indent=2, sort_keys=True))
    else:
        for name, value in told.items():
            print(f"{name.replace('_', ' '):16} {_shown(value)}")
    return 1 if left or told["receipts_broken"] or (installed.release and not told["running"]) else 0


def verify_installed(asked: argparse.Namespace, layout: Layout, means: Means) -> int:
    """Every file against what was signed and installed. Exit 1 on a difference, in every mode but `trial`."""
    installed, release = read_installed(layout), layout.serving()
    wrong, trial = differences(layout, means)
    told = {
        "release": installed.release or None,
        "mode": read_site(layout).mode,
        "same": not wrong,
        "findings": wrong,
        "operator_supplied": overlays.listed(layout),
    }
    if asked.json:
        print(json.dumps(told, indent=2, sort_keys=True))
    else:
        for line in wrong:
            print(line)
        print(f"{release.id if release else layout.prefix}: {f'{len(wrong)} differences' if wrong else 'as installed'}")
    if wrong and trial and asked.at_start:
        means.progress.say("warning: this is a trial, so it starts all the same; a site would not")
        return 0
    return 1 if wrong else 0


def differences(layout: Layout, means: Means) -> tuple[list[str], bool]:
    """One line for each thing that is not as it was installed; and whether this is a trial, which is only warned."""
    release = layout.serving()
    wrong = ["there is no release here"] if release is None else findings(layout, release, means.check)
    return wrong + receipts.broken(layout), read_site(layout).mode == "trial"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(one["name"] if isinstance(one, dict) else str(one) for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
