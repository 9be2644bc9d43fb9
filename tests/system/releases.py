"""Releases as real folders: this tree, and later ones made from it, each run as processes of their own.

    now = this_release()
    next_ = later_release(tmp_path / "next", "0.2.0")                      # one migration more, expand-only
    after = later_release(tmp_path / "after", "0.3.0", step=NARROWER, base=next_)   # one that older programs refuse

A later release is a whole source tree: a wheel, and so a bundle, can be built from it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from appliance.store.schema import Database

ROOT = Path(__file__).parents[2]
PACKAGES = ("appliance", "providers", "offline", "sbom", "installer")
FILES = ("pyproject.toml", "README.md", "LICENSE", "SECURITY.md", "CHANGELOG.md", "Containerfile")
UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
_VERSION = re.compile(r'(?m)^version = "([^"]+)"$')
METADATA = ".metadata"  # of a later release: what `importlib.metadata` finds, as if it were installed

HEAD = '''"""{says}"""

from alembic import op
import sqlalchemy as sa

revision = "{number}"
down_revision = "{before}"
compatible_from = "{compatible_from}"


def upgrade() -> None:
'''

Step = Mapping[Database, str]
"""The body of `upgrade()` for each database."""

WIDER: Step = {
    "store": """
    op.add_column("keys", sa.Column("owner", sa.Text(), nullable=False, server_default="nobody"))
    op.add_column("models", sa.Column("family", sa.Text(), nullable=True))
    op.add_column("deployments", sa.Column("tier", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("peppers", sa.Column("origin", sa.Text(), nullable=False, server_default="made here"))
    op.add_column("settings", sa.Column("seen", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("events", sa.Column("origin", sa.Text(), nullable=False, server_default="host"))
    op.create_table("notices", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("text", sa.Text()))
    op.create_index("ix_keys_owner", "keys", ["owner"])
""",
    "ledger": """
    op.add_column("rows", sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.add_column("rows", sa.Column("region", sa.Text(), nullable=True))
    for table in ("hours", "days"):
        op.add_column(table, sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("host", sa.Text(), nullable=False, server_default="here"))
    op.create_table("exports", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("at", sa.BigInteger()))
    op.create_index("ix_rows_model_at", "rows", ["model", "at"])
""",
}
NARROWER: Step = {
    "store": """
    op.drop_index("ix_events_action", "events")
""",
    "ledger": """
    op.drop_index("ix_rows_at", "rows")
""",
}


class Release(NamedTuple):
    """A source tree, and the Python that runs it."""

    tree: Path
    python: Path = Path(sys.executable)

    @property
    def environment(self) -> dict[str, str]:
        """With this tree before anything that is installed."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join([str(self.tree), str(self.tree / METADATA)])}

    @property
    def version(self) -> str:
        [version] = _VERSION.findall((self.tree / "pyproject.toml").read_text())
        return str(version)

    def command(self, *words: str) -> list[str]:
        return [str(self.python), "-m", "appliance.cli", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A verb that may fail, in a folder of its own release."""
        return subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            env=self.environment,
            cwd=self.tree,
        )

    def migrations(self, database: Database) -> Path:
        return self.tree / "appliance" / "store" / "migrations" / database

    def newest(self, database: Database) -> Path:
        return max(self.migrations(database).glob("v[0-9]*.py"))


def this_release() -> Release:
    """The tree these tests lie in."""
    return Release(ROOT)


def later_release(target: Path, version: str, *, step: Step = WIDER, base: Release | None = None) -> Release:
    """A copy of `base` (else of this tree) in the new folder `target`, with another version and a migration more.

    `WIDER` keeps `compatible_from` as it is; any other step raises it to its own number.
    """
    base = base or this_release()
    target.mkdir(parents=True)
    for package in PACKAGES:
        shutil.copytree(base.tree / package, target / package, ignore=UNWANTED)
    for name in FILES:
        if (base.tree / name).exists():
            shutil.copy(base.tree / name, target / name)
    made = Release(target, base.python)
    _bump(made, version)
    for database, body in step.items():
        _migration(made, database, body, raises=step is not WIDER)
    return made


def _bump(release: Release, version: str) -> None:
    project = release.tree / "pyproject.toml"
    text, count = _VERSION.subn(f'version = "{version}"', project.read_text())
    assert count == 1, "pyproject.toml states no version"
    project.write_text(text)
    info = release.tree / METADATA / f"redoubt_gateway-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: redoubt-gateway\nVersion: {version}\n")


def _migration(release: Release, database: Database, body: str, *, raises: bool) -> None:
    before = release.newest(database)
    told = dict(re.findall(r'(?m)^(revision|compatible_from) = "(\d{4})"$', before.read_text()))
    number = f"{int(told['revision']) + 1:04}"
    head = HEAD.format(
        says="For a test of upgrade and rollback.",
        number=number,
        before=told["revision"],
        compatible_from=number if raises else told["compatible_from"],
    )
    (before.parent / f"v{number}_for_a_test.py").write_text(head + body)
    schema = release.tree / "appliance" / "store" / "schema.py"
    old, new = (f'("{database}", "{one}")' for one in (told["revision"], number))
    assert schema.read_text().count(old) == 1, f"{schema} does not say {old}"
    schema.write_text(schema.read_text().replace(old, new))
