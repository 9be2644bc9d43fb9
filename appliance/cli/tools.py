"""Nouns whose verbs need the `tools` environment. The one that serves lacks their libraries, on purpose."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import rich_click as click

from appliance.cli.frame import Noun
from appliance.domain.errors import ConfigError

MARK = "cyclonedx"  # a library that `tools` has and `serve` has not


class Tools(Noun):
    """A noun that hands its call over to the `tools` environment of the same release, when this is not it."""

    def invoke(self, ctx: click.Context) -> Any:
        if find_spec(MARK) is None:
            python = beside(Path(sys.prefix))
            # -I: nothing of the caller's environment decides what is imported there
            os.execv(python, [str(python), "-I", "-m", "appliance.cli", *sys.argv[1:]])  # noqa: S606 -- no shell, ours
        return super().invoke(ctx)


def beside(environment: Path) -> Path:
    """The Python of `tools`, beside the environment of a release. Raises ConfigError when there is none."""
    python = environment.parent / "tools" / "bin" / "python"
    if not python.exists():
        raise ConfigError(f"this verb needs the `tools` environment of the release, and `{python}` is not there")
    return python
