"""The tests against real servers need one: they are collected only when it is named, see `tests/real_servers.sh`."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real-server", help="the real server to test against: its name in tests/real/setups.py")
    parser.addoption("--real-cache", type=Path, help="the folder with its environment and the models")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Left out rather than skipped: the ordinary run does not miss anything it could have."""
    needs_server = collection_path.name == "test_sdk_against_real_servers.py"
    return True if needs_server and config.getoption("real_server", default=None) is None else None
