"""Backups: whole or not at all, checked before they are believed, restored only where nobody is."""

import json
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from appliance.domain.errors import ConfigError, Conflict, StoreUnavailable
from appliance.store import open_for_serving, visit
from appliance.store.backup import create, verify
from appliance.store.restore import restore
from tests.appliance.store.sites import a_deployment, a_key, a_model, a_row, an_event
from tests.fakes.clock import FakeClock

CONFIG = "listeners:\n  api: 127.0.0.1:4000\n"


async def filled(data_dir: Path, clock: FakeClock, keys: int = 3) -> None:
    async with await open_for_serving(data_dir, clock) as opened:
        async with opened.store.unit() as unit:
            for number in range(keys):
                await unit.save_key(a_key(number))
            await unit.save_model(a_model(a_deployment()))
            await unit.add_event(an_event())
        for number in range(50):
            opened.ledger.record(a_row(number))


@pytest.fixture
async def backup(data_dir: Path, clock: FakeClock, tmp_path: Path) -> Path:
    await filled(data_dir, clock)
    config = tmp_path / "site.yaml"
    config.write_text(CONFIG)
    create(data_dir, tmp_path / "backup", clock, version="0.1.0", config=config)
    return tmp_path / "backup"


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def spoil(file: Path, at: int = -1) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


async def test_a_backup_made_while_a_gateway_serves_is_whole_and_clean(
    data_dir: Path, clock: FakeClock, tmp_path: Path
) -> None:
    async with await open_for_serving(data_dir, clock) as opened:
        async with opened.store.unit() as unit:
            await unit.save_key(a_key())
            create(data_dir, tmp_path / "during", clock, version="0.1.0")  # sees the store as it was before this unit
        opened.ledger.record(a_row())
        await opened.ledger.flush()
        create(data_dir, tmp_path / "after", clock, version="0.1.0")
        opened.ledger.record(a_row(2))

    restore(tmp_path / "during", tmp_path / "one", clock)
    restore(tmp_path / "after", tmp_path / "two", clock)

    async with await visit(tmp_path / "one") as one, await open_for_serving(tmp_path / "two", clock) as two:
        assert ((await one.store.snapshot()).keys, await one.spend.rows(9)) == ((), [])
        assert ((await two.store.snapshot()).keys, await two.spend.rows(9)) == ((a_key(),), [a_row()])
        assert two.unclean is None  # the copied run ended where the copy did


async def test_everything_comes_back_from_a_backup(
    backup: Path, data_dir: Path, clock: FakeClock, tmp_path: Path
) -> None:
    restore(backup, tmp_path / "new", clock)

    async with await visit(data_dir) as before, await visit(tmp_path / "new") as after:
        assert await after.store.snapshot() == await before.store.snapshot()
        assert await after.store.events(99) == await before.store.events(99)
        assert await after.spend.rows(99) == await before.spend.rows(99)
        assert await after.spend.spend(("key", "hour"), None, None) == await before.spend.spend(
            ("key", "hour"), None, None
        )


def test_a_backup_is_private_and_holds_nothing_else(backup: Path) -> None:
    assert names(backup) == {"store.db", "ledger.db", "config.yaml", "manifest.json"}
    assert mode(backup) == 0o700
    assert {mode(file) for file in backup.iterdir()} == {0o600}


def test_the_manifest_says_what_when_and_that_the_master_key_is_elsewhere(backup: Path, data_dir: Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_bytes())

    assert manifest["version"] == "0.1.0"
    assert manifest["at"] == "2026-11-22T12:00:00Z"
    assert manifest["schema"] == {"store": "0002", "ledger": "0002"}
    assert manifest["files"].keys() == {"store.db", "ledger.db", "config.yaml"}
    assert "not in this backup" in manifest["master_key"]


def test_a_master_key_in_the_data_folder_is_not_taken_along(data_dir: Path, clock: FakeClock, tmp_path: Path) -> None:
    (data_dir / "master.key").write_text("canary-master-key")

    create(data_dir, tmp_path / "backup", clock, version="0.1.0")

    assert not any(b"canary-master-key" in file.read_bytes() for file in (tmp_path / "backup").iterdir())


def test_a_good_backup_verifies(backup: Path) -> None:
    assert verify(backup).files.keys() == {"store.db", "ledger.db", "config.yaml"}


@pytest.mark.parametrize("name", ["store.db", "ledger.db", "config.yaml"])
def test_one_changed_bit_in_any_file_is_found(backup: Path, name: str) -> None:
    spoil(backup / name)

    with pytest.raises(StoreUnavailable, match=re.escape(name)):
        verify(backup)


@pytest.mark.parametrize("name", ["store.db", "ledger.db", "config.yaml", "manifest.json"])
def test_a_missing_file_is_found(backup: Path, name: str) -> None:
    (backup / name).unlink()

    with pytest.raises(StoreUnavailable, match=re.escape(name)):
        verify(backup)


def test_a_file_replaced_by_a_link_is_refused(backup: Path, tmp_path: Path) -> None:
    (backup / "store.db").rename(tmp_path / "elsewhere.db")
    (backup / "store.db").symlink_to(tmp_path / "elsewhere.db")

    with pytest.raises(StoreUnavailable, match=r"store\.db"):
        verify(backup)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["files"].update({"../evil": m["files"]["store.db"]}),
        lambda m: m["files"].pop("ledger.db"),
        lambda m: m.pop("version"),
    ],
    ids=["path", "incomplete", "malformed"],
)
def test_a_manifest_that_is_not_one_is_refused(backup: Path, change: object) -> None:
    manifest = json.loads((backup / "manifest.json").read_bytes())
    change(manifest)  # type: ignore[operator]  # parametrised
    (backup / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(StoreUnavailable, match="manifest"):
        verify(backup)


def test_a_backup_of_a_newer_release_is_refused(backup: Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_bytes())
    manifest["schema"]["store"] = manifest["compatible_from"]["store"] = "9999"
    (backup / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(ConfigError, match="newer release"):
        verify(backup)


def test_a_damaged_database_is_found_even_when_the_manifest_agrees(
    backup: Path, data_dir: Path, clock: FakeClock, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(data_dir / "store.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'uq_keys_digest'").fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    spoil(data_dir / "store.db", at=(page - 1) * size)  # the kind of a page of the tree

    with pytest.raises(StoreUnavailable, match="damaged"):
        create(data_dir, tmp_path / "another", clock, version="0.1.0")

    assert not (tmp_path / "another").exists()
    assert {name for name in names(tmp_path) if "partial" in name} == set()


def test_a_backup_never_overwrites(backup: Path, data_dir: Path, clock: FakeClock) -> None:
    with pytest.raises(Conflict, match="choose a new folder"):
        create(data_dir, backup, clock, version="0.1.0")


async def test_restoring_under_a_running_gateway_is_refused(backup: Path, data_dir: Path, clock: FakeClock) -> None:
    before = names(data_dir)
    async with await open_for_serving(data_dir, clock):
        with pytest.raises(Conflict, match="stop it first"):
            restore(backup, data_dir, clock)

    assert names(data_dir) - before == set()


async def test_restoring_under_a_verb_is_refused(backup: Path, data_dir: Path, clock: FakeClock) -> None:
    async with await visit(data_dir):
        with pytest.raises(Conflict, match="somebody has"):
            restore(backup, data_dir, clock)


async def test_restoring_moves_the_old_databases_aside_and_loses_none(
    backup: Path, data_dir: Path, clock: FakeClock
) -> None:
    async with await visit(data_dir) as visited, visited.store.unit() as unit:
        await unit.save_key(a_key(99))

    restore(backup, data_dir, clock)

    async with await visit(data_dir) as visited:
        assert len((await visited.store.snapshot()).keys) == 3
    [aside] = [name for name in names(data_dir) if name.startswith("replaced-")]
    with closing(sqlite3.connect(data_dir / aside / "store.db")) as old:
        assert old.execute("SELECT count(*) FROM keys").fetchone() == (4,)
    assert not any("restoring" in name for name in names(data_dir))


async def test_a_restore_that_fails_half_way_leaves_the_old_databases_in_place(
    backup: Path, data_dir: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await visit(data_dir) as visited, visited.store.unit() as unit:
        await unit.save_key(a_key(99))
    real = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if self.name == ".ledger.restoring":
            raise OSError(5, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StoreUnavailable, match="Input/output error"):
        restore(backup, data_dir, clock)
    monkeypatch.undo()

    async with await visit(data_dir) as visited:
        assert len((await visited.store.snapshot()).keys) == 4
        assert len(await visited.spend.rows(99)) == 50
    assert not any(name.startswith((".", "replaced-")) for name in names(data_dir))


def test_a_spoiled_backup_is_refused_before_anything_is_touched(backup: Path, data_dir: Path, clock: FakeClock) -> None:
    before = {file.name: file.read_bytes() for file in data_dir.iterdir()}
    spoil(backup / "ledger.db")

    with pytest.raises(StoreUnavailable, match=r"ledger\.db"):
        restore(backup, data_dir, clock)

    assert {file.name: file.read_bytes() for file in data_dir.iterdir()} == before


def test_the_configuration_comes_back_only_where_none_is(backup: Path, clock: FakeClock, tmp_path: Path) -> None:
    restore(backup, tmp_path / "new", clock, config=tmp_path / "back.yaml")

    assert (tmp_path / "back.yaml").read_text() == CONFIG
    assert mode(tmp_path / "back.yaml") == 0o600
    with pytest.raises(Conflict, match="move it away"):
        restore(backup, tmp_path / "other", clock, config=tmp_path / "back.yaml")
    assert not (tmp_path / "other").exists()


def test_without_a_store_there_is_nothing_to_back_up(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(ConfigError, match="redoubt init"):
        create(tmp_path / "nowhere", tmp_path / "backup", clock, version="0.1.0")
