from collections.abc import Iterator

import pytest

from tests.e2e.planted import Planted, planted


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    with planted(tmp_path_factory.mktemp("attacked")) as one:
        yield one


@pytest.fixture
def attacked(running: Planted) -> Iterator[Planted]:
    """The gateway under attack; whatever was done to it, it met no fault of its own."""
    before = running.faults()
    yield running
    assert running.faults() == before
