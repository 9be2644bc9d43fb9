"""What holds for all tests: how many examples a law is tried with, and that nothing is skipped unseen."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHORT, LONG = 50, 2000  # examples of a law that names no count of its own
LONG_SECONDS = 3600.0  # before a test of a long run is given up; `timeout` in pyproject.toml is for short ones
SLOW_MACHINE = [HealthCheck.too_slow, HealthCheck.differing_executors]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the counts the issues name, and tests marked `long`")


@pytest.hookimpl(tryfirst=True)  # before pytest-timeout looks
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--long") and config.option.timeout is None:
        config.option.timeout = LONG_SECONDS
    # Derandomized: a run says the same twice. No deadline: a slow machine fails no test.
    settings.register_profile(
        "short", max_examples=SHORT, derandomize=True, deadline=None, database=None, suppress_health_check=SLOW_MACHINE
    )
    settings.register_profile("long", max_examples=LONG, deadline=None, suppress_health_check=SLOW_MACHINE)
    settings.load_profile("long" if config.getoption("--long") else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `long` are left out, and counted as such, unless they are asked for."""
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    """Under CI a skipped test is a failed run: what is missing there has to be installed, not passed over."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", ())) if reporter else 0
    if reporter and os.environ.get("CI") == "true" and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"{skipped} skipped under CI=true: that is red", red=True)
    yield


@pytest.fixture(scope="session")
def long_run(request: pytest.FixtureRequest) -> bool:
    """True with `--long`."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the tree."""
    return Path(__file__).parents[1]
