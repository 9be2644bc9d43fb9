"""What the machine must have for a test. Missing, it skips and names the Debian package; under CI=true it fails."""

import os
import shutil
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def need(program: str, package: str) -> str:
    """The path of a program."""
    found = shutil.which(program)
    if found is None:
        missing(f"`{program}` is missing: apt-get install {package}")
    return found
