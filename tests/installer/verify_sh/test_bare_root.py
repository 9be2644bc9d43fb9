"""verify.sh where dash, coreutils and openssl are all there is: no sed, no grep, no awk, no find, no Python."""

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.fakes.bare_root import BareRoot
from tests.fakes.bundle import ALICE, BOB, Release
from tests.installer.verify_sh.program import NOW, SCRIPT, fault

SIGNED = ((ALICE, "ed25519"), (BOB, "p384"), (ALICE, "minisig"), (BOB, "dsse"))
PAGE = 4096  # bytes, of a file system in memory
ABSENT = {"awk", "sed", "grep", "find", "xargs", "perl", "python3", "bash", "busybox", "diff", "tar", "gzip", "cmp"}
# Whatever verify.sh calls and the shell does not have itself.
TOOLS = (
    "base64", "cat", "comm", "cp", "cut", "date", "env", "fold", "mktemp", "openssl", "rm", "sha256sum",
    "sort", "tail", "tr", "uname", "uniq", "wc",
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> BareRoot:
    return BareRoot.make(tmp_path_factory.mktemp("bare") / "root")


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    """Signed, and it carries the verify.sh under test."""
    return Release(extra={"verify.sh": SCRIPT.read_bytes()}).write(tmp_path / "medium", SIGNED)


def paper(medium: Path) -> str:
    return hashlib.sha256((medium / "trust/1.trust").read_bytes()).hexdigest()


def test_the_root_holds_dash_coreutils_openssl_and_nothing_else(root: BareRoot) -> None:
    assert {"sh", "dash", "openssl", "sha256sum"} <= root.programs
    assert root.programs & ABSENT == set()


def test_a_signed_bundle_verifies(root: BareRoot, medium: Path) -> None:
    ran = root.verify(medium, paper(medium), "--now", NOW)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1].startswith("verified: redoubt 0.1.0")
    assert list((root.folder / "tmp").iterdir()) == []


def test_a_flipped_byte_is_refused(root: BareRoot, medium: Path) -> None:
    file = next((medium / "wheels").glob("alpha-*.whl"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    ran = root.verify(medium, paper(medium), "--now", NOW)

    assert (ran.returncode, fault(ran)) == (1, "hash")


def test_one_signature_is_refused_where_two_are_asked_for(root: BareRoot, medium: Path) -> None:
    (medium / "SHA256SUMS.bob.p384.sig").unlink()

    ran = root.verify(medium, paper(medium), "--now", NOW)

    assert (ran.returncode, fault(ran)) == (1, "threshold")


def test_an_added_file_is_refused(root: BareRoot, medium: Path) -> None:
    (medium / "wheels/sitecustomize.py").write_text("import os\n")

    ran = root.verify(medium, paper(medium), "--now", NOW)

    assert (ran.returncode, fault(ran)) == (1, "unlisted")


def test_another_paper_is_refused(root: BareRoot, medium: Path) -> None:
    ran = root.verify(medium, "0" * 64, "--now", NOW)

    assert (ran.returncode, fault(ran)) == (1, "trust")


@pytest.mark.parametrize("tool", TOOLS)
def test_without_one_of_its_tools_nothing_is_verified(tool: str, root: BareRoot, medium: Path, tmp_path: Path) -> None:
    less = BareRoot(Path(shutil.copytree(root.folder, tmp_path / "less", symlinks=True)))
    (less.folder / "usr/bin" / tool).unlink()

    ran = less.verify(medium, paper(medium), "--now", NOW)

    assert ran.returncode in {2, 127}  # 1 would blame the medium; 127 is the shell's, where `env` is missing
    assert "verified:" not in ran.stdout
    assert tool in ran.stderr


@pytest.mark.parametrize("pages", range(1, 24))
def test_a_full_temporary_folder_hides_no_file(pages: int, root: BareRoot, medium: Path) -> None:
    """/tmp of so many pages: wherever it is full, what was planted is not taken for verified."""
    (medium / "zzz").write_text("planted")

    ran = root.verify(medium, paper(medium), "--now", NOW, room=pages * PAGE)

    assert ran.returncode in {1, 2}


def test_a_small_temporary_folder_that_suffices_verifies(root: BareRoot, medium: Path) -> None:
    assert root.verify(medium, paper(medium), "--now", NOW, room=64 * PAGE).returncode == 0
