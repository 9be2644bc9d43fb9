"""One gateway for all suites of a run, with one stand-in of each kind of server behind it."""

from collections.abc import Iterator

import pytest

from tests.e2e.site import Served, Site, serving, stand_in


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site")) as one:
        yield one


@pytest.fixture(scope="session", params=["vllm", "ollama", "tgi"])
def served(request: pytest.FixtureRequest, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with stand_in(site, request.param, tmp_path_factory.mktemp(request.param)) as one:
        yield one
