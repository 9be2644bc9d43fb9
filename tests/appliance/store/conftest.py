"""A data folder that is ready, and a still clock."""

import shutil
from pathlib import Path

import pytest

from appliance.store.migrate import migrate
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def new_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "data"
    migrate(folder)
    return folder


@pytest.fixture
def data_dir(new_data_dir: Path, tmp_path: Path) -> Path:
    """A copy of a folder migrated once: migrating costs a tenth of a second."""
    return Path(shutil.copytree(new_data_dir, tmp_path / "data"))
