"""Where a data folder may lie, and who may read it."""

import stat
from pathlib import Path

import pytest

from appliance.domain.errors import ConfigError
from appliance.store import visit
from appliance.store.folder import DataFolder
from appliance.store.mounts import file_system, refuse_network_file_system

MOUNTS = r"""
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:20 / /srv rw,relatime shared:2 - nfs4 filer:/srv rw,vers=4.2
24 23 254:2 / /srv/local rw - xfs /dev/vdb rw
25 22 0:21 / /mnt/share\040one rw shared:3 master:1 - cifs //filer/share rw
26 22 0:22 / /media/remote rw - fuse.sshfs any@host: rw
27 22 0:23 / /pool rw - fuse.mergerfs a:b rw
28 22 254:3 / /over rw - ext4 /dev/vdc rw
29 28 0:24 / /over rw - nfs filer:/over rw
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes_in(folder: Path) -> dict[str, int]:
    return {file.name: mode(file) for file in folder.iterdir()}


def open_to_others(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "store.db").chmod(0o644)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/redoubt", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/redoubt", "nfs4"),
        ("/srvx", "ext4"),
        ("/srv/local/redoubt", "xfs"),
        ("/mnt/share one/data", "cifs"),
        ("/media/remote/data", "fuse.sshfs"),
        ("/over/data", "nfs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(folder: str, kind: str) -> None:
    assert file_system(Path(folder), MOUNTS) == kind


@pytest.mark.parametrize("folder", ["/srv/data", "/mnt/share one", "/media/remote", "/over/data"])
def test_a_network_file_system_is_refused_by_name(folder: str, tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(MOUNTS)

    with pytest.raises(ConfigError, match="file system of the network") as refused:
        refuse_network_file_system(Path(folder), mountinfo)

    assert folder in refused.value.message


@pytest.mark.parametrize("folder", ["/var/lib/redoubt", "/srv/local", "/pool/data"])
def test_a_local_file_system_passes(folder: str, tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(MOUNTS)

    refuse_network_file_system(Path(folder), mountinfo)


def test_where_mounts_are_not_told_nothing_is_refused(tmp_path: Path) -> None:
    refuse_network_file_system(tmp_path, tmp_path / "missing")


async def test_everything_in_a_data_folder_is_private(data_dir: Path) -> None:
    async with await visit(data_dir) as visited:
        await visited.store.snapshot()
        await visited.spend.rows(1)

        assert mode(data_dir) == 0o700
        modes = modes_in(data_dir)
        assert set(modes.values()) == {0o600}
        assert {"store.db-wal", "ledger.db-wal"} <= modes.keys()


async def test_a_folder_that_others_could_read_is_closed_at_opening(data_dir: Path) -> None:
    open_to_others(data_dir)

    async with await visit(data_dir):
        assert mode(data_dir) == 0o700
        assert mode(data_dir / "store.db") == 0o600


async def test_a_folder_without_a_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="redoubt init"):
        await visit(tmp_path / "nowhere")

    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="cannot be made"):
        DataFolder(tmp_path / "file" / "data").prepare()


def test_a_link_in_place_of_a_database_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "store.db").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Exception, match=r"store\.db"):
        DataFolder(tmp_path / "data").prepare()

    assert not (tmp_path / "elsewhere").exists()
