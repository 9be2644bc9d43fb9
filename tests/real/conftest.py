"""The tests against real servers need one: they are collected only when it is named, see `tests/real_servers.sh`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.site import serving
from tests.real.behind import EMBEDDERS, SETUPS, Real, started

SUITES = {
    "test_openai_python_against_real_servers.py": "openai-python",
    "test_openai_node_against_real_servers.py": "openai-node",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real-server", help="the real server to test against: its name in tests/real/setups.py")
    parser.addoption("--real-cache", type=Path, help="the folder with its environment and the models")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Left out rather than skipped: the ordinary run does not miss anything it could have."""
    needs_server = collection_path.name in SUITES
    return True if needs_server and config.getoption("real_server", default=None) is None else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What held with each SDK and what is beyond this server, for whoever keeps count: shown, and left in the logs."""
    server = config.getoption("real_server", default=None)
    if server is None:
        return
    told = "; ".join(f"{sdk} {_counts(terminalreporter, file)}" for file, sdk in SUITES.items())
    terminalreporter.write_line(f"{server}: {told}")
    (config.getoption("real_cache") / "log" / f"counts-{server}").write_text(f"{told}\n")


def _counts(terminalreporter: pytest.TerminalReporter, file: str) -> str:
    counts = {
        outcome: sum(Path(report.fspath).name == file for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "xfailed", "failed", "error", "skipped")
    }
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) or "not run"


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    name, cache = request.config.getoption("real_server"), request.config.getoption("real_cache")
    with started(name, SETUPS[name], cache) as url, serving(tmp_path_factory.mktemp("site")) as site:
        one = Real(name, url, site, site.new_key("suite").value)
        one.deploy("real", url)
        one.site.wait_for_change()
        yield one


@pytest.fixture(scope="session")
def embedder(real: Real, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The name of a model that embeds; None where this server has none."""
    if real.name not in EMBEDDERS:
        yield None
        return
    with started(real.name, EMBEDDERS[real.name], request.config.getoption("real_cache")) as url:
        real.deploy("embedder", url)
        real.site.wait_for_change()
        yield "embedder"
