"""Two real bundles for all: this checkout's, and one of a later tree that brings one migration for each database."""

import pytest

from tests.e2e.bundle.made import Made, Maker, committed
from tests.system.releases import ROOT, later_release, this_release

FIRST, UPDATE = 7, 8  # numbers; `tests/attacks/bundle` edits a header that says 7
LATER = "9.1.0"


@pytest.fixture(scope="session")
def maker() -> Maker:
    return Maker(ROOT / ".cache" / "bundle")


@pytest.fixture(scope="session")
def first(maker: Maker) -> Made:
    return maker.release(this_release(), FIRST)


@pytest.fixture(scope="session")
def update(maker: Maker, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return maker.release(committed(later_release(tmp_path_factory.mktemp("later") / "tree", LATER)), UPDATE)
