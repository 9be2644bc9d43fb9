"""install.sh runs what it verified, whatever happens to the medium meanwhile, and leaves no copy behind."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from installer.installed import Installed, write_installed
from installer.layout import within
from tests.fakes.bundle import write_tree, zipped

ROOT = Path(__file__).parents[3]
HONEST = zipped({"__main__.py": b"import sys; print('the verified installer', *sys.argv[1:2])\n"})
PLANTED = zipped({"__main__.py": b"print('PLANTED')\n"})


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    folder = tmp_path / "medium"
    install = (ROOT / "installer" / "install.sh").read_bytes()
    write_tree(folder, {"install.sh": install, "installer.pyz": HONEST, "verify.sh": b"exit 0\n"})
    (tmp_path / "stage").mkdir()
    (tmp_path / "planted.pyz").write_bytes(PLANTED)
    return folder


def install(medium: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(medium / "install.sh"), "--prefix", str(medium.parent / "site")],
        env={"PATH": "/usr/bin:/bin", "REDOUBT_STAGE": str(medium.parent / "stage")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_medium_that_changes_after_it_was_verified_runs_nothing_of_the_change(medium: Path, tmp_path: Path) -> None:
    swap = f"cp {tmp_path}/planted.pyz {medium}/installer.pyz\n"
    (medium / "verify.sh").write_text(swap)

    ran = install(medium)

    assert (medium / "installer.pyz").read_bytes() == PLANTED
    assert (ran.returncode, ran.stdout) == (0, "the verified installer install\n")


def test_a_medium_that_does_not_verify_runs_nothing(medium: Path) -> None:
    (medium / "verify.sh").write_text("exit 1\n")

    ran = install(medium)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert "nothing of this medium has run" in ran.stderr


@pytest.mark.parametrize("code", [0, 1])
def test_no_copy_of_the_medium_is_left(medium: Path, tmp_path: Path, code: int) -> None:
    (medium / "verify.sh").write_text(f"exit {code}\n")

    install(medium)

    assert list((tmp_path / "stage").iterdir()) == []


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6755])
def test_a_set_id_file_that_a_copy_would_lose_is_refused_on_the_medium(medium: Path, tmp_path: Path, mode: int) -> None:
    (medium / "licences").mkdir()
    (medium / "licences/LICENSE").touch()
    (medium / "licences/LICENSE").chmod(mode)

    ran = install(medium)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert "setuid or setgid; nothing was installed" in ran.stderr
    assert list((tmp_path / "stage").iterdir()) == []


def test_what_the_site_has_seen_is_told_to_verify_sh(medium: Path, tmp_path: Path) -> None:
    layout = within(tmp_path / "site")
    write_installed(layout, Installed(release="a", seq=7, highest=9, known="2027-01-02T03:04:05Z"))
    layout.trust.mkdir(parents=True)
    whom = b"whom the site believes"
    (layout.trust / "1.trust").write_bytes(whom)
    (medium / "verify.sh").write_text('echo "$*"\n')

    told = install(medium).stdout

    assert f"--fingerprint {sha256(whom).hexdigest()} --trust" in told
    assert "--seq 9 --known 2027-01-02T03:04:05Z " in told


def test_a_medium_that_has_no_room_for_its_copy_is_not_copied_and_says_where_room_is_missing(
    medium: Path, tmp_path: Path
) -> None:
    stage, large = tmp_path / "stage", medium / "wheels"
    large.touch()
    os.truncate(large, shutil.disk_usage(stage).free + 5 * 10**9)  # sparse: it takes no room here

    ran = install(medium)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"and {stage} has" in ran.stderr
    assert "REDOUBT_STAGE=" in ran.stderr
    assert list(stage.iterdir()) == []


def test_a_folder_for_the_copy_that_is_not_there_is_named(medium: Path, tmp_path: Path) -> None:
    (tmp_path / "stage").rmdir()

    ran = install(medium)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"install.sh: {tmp_path / 'stage'} cannot be read: No such file or directory" in ran.stderr
