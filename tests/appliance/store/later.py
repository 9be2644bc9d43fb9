"""A later release of the store inside this process: its migrations and the numbers it knows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.script import ScriptDirectory

from appliance.store.schema import NEEDED, Database
from tests.system.releases import Release

KNOWING = ("schema", "migrate", "standing", "backup")  # modules that hold the numbers


@contextmanager
def being(release: Release) -> Iterator[None]:
    """Within the block the store is that release's, as far as schemas go."""
    numbers = tuple((database, _number(release, database)) for database, _ in NEEDED)

    def scripts(database: Database) -> ScriptDirectory:
        folder = str(release.migrations(database))
        return ScriptDirectory(folder, version_locations=[folder])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("appliance.store.migrate.scripts", scripts)
        for module in KNOWING:
            patch.setattr(f"appliance.store.{module}.NEEDED", numbers)
        yield


def _number(release: Release, database: Database) -> str:
    found = re.search(r'(?m)^revision = "(\d{4})"$', release.newest(database).read_text())
    assert found is not None
    return found[1]
