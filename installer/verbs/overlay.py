"""`overlay add|list|remove`: what the site itself signed and adds."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from installer import overlays
from installer.failure import Failed
from installer.importing import GROUP
from installer.installed import read_installed
from installer.layout import Layout
from installer.work import Means
from offline.rules.overlay import Overlay, plugins_of


def overlay(asked: argparse.Namespace, layout: Layout, means: Means) -> int:
    """Raises Refused, Failed or OSError; then nothing was added or removed."""
    if asked.what == "list":
        return _list(asked, layout)
    if not read_installed(layout).release:
        raise Failed(f"there is no release in `{layout.prefix}` yet; use `install`")
    if not asked.target:
        raise Failed(f"say which: `overlay {asked.what} {'FOLDER' if asked.what == 'add' else 'NAME'}`")
    if asked.what == "remove":
        overlays.remove(layout, asked.target)
        print(f"removed {asked.target}; restart the service")
        return 0
    paper = (str(Path(asked.trust).absolute()) if asked.trust else "", asked.fingerprint or "")
    made = overlays.add(layout, means, Path(asked.target).absolute(), paper)
    print(f"added {made.name} {made.version}, {len(made.files)} files, supplied by the operator; {_next(made)}")
    return 0


def _next(made: Overlay) -> str:
    plugins = ", ".join(sorted(plugins_of(made, GROUP)))
    return f"name `{plugins}` in `plugins.allow`, then restart the service" if plugins else "restart the service"


def _list(asked: argparse.Namespace, layout: Layout) -> int:
    found = overlays.listed(layout)
    if asked.json:
        print(json.dumps(found, indent=2, sort_keys=True))
    else:
        for one in found:
            print(_line(one))
    return 0


def _line(one: Mapping[str, object]) -> str:
    if not one["readable"]:
        return f"{one['name']}  cannot be read  operator-supplied"
    told = f"{one['name']}  {one['version']}  number {one['seq']}  {one['files']} files  operator-supplied"
    plugins = one["plugins"]
    return f"{told}  plugins {', '.join(plugins)}" if isinstance(plugins, list) and plugins else told
