"""A folder as one file, and back; an update that carries only what changed."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from offline.pack import known_of, pack
from offline.rules.archive import of_bundle, rebuild, stored, unpack
from offline.rules.names import SUMS
from offline.rules.refusal import Fault, Refused
from offline.rules.tree import digest
from offline.rules.verify import verify
from tests.fakes.bundle import Release, asked, check, header, trust

LONG = "x" * 50 + ".manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"  # ustar holds 100


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Release(extra={"docs/large.md": b"x" * 100_000, f"docs/{LONG}": b"long"}).write(tmp_path / "one")


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    files = {
        f"docs/{LONG}": b"long",
        "docs/large.md": b"x" * 100_000,
        "docs/new.md": b"# New\n",
        "docs/twin.md": b"# New\n",
    }
    return Release(head=header(seq=8), extra=files).write(tmp_path / "two")


def test_what_was_packed_is_unpacked_and_verifies(bundle: Path, tmp_path: Path) -> None:
    packed = pack(bundle, tmp_path / "out")
    (tmp_path / "in").mkdir()

    folder = unpack(packed.file, tmp_path / "in")

    assert folder.name == "redoubt-0.1.0-x86_64"
    assert verify(folder, trust(), asked(), check).by == {"alice", "bob"}
    assert os.access(folder / "verify.sh", os.X_OK)


def test_two_copies_of_a_bundle_pack_to_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "copy")
    for path in copy.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (1, 1))

    one, other = pack(bundle, tmp_path / "a"), pack(copy, tmp_path / "b")

    assert one.sha256 == other.sha256
    assert one.file.name == other.file.name


def test_the_hosts_own_tar_unpacks_it_too(bundle: Path, tmp_path: Path) -> None:
    packed = pack(bundle, tmp_path / "out")

    subprocess.run(["tar", "-C", str(tmp_path), "-xf", str(packed.file)], check=True)
    assert (tmp_path / f"redoubt-0.1.0-x86_64/docs/{LONG}").read_bytes() == b"long"
    assert (tmp_path / "redoubt-0.1.0-x86_64" / SUMS).read_bytes() == (bundle / SUMS).read_bytes()


def test_an_update_carries_only_what_the_receiver_lacks(bundle: Path, newer: Path, tmp_path: Path) -> None:
    packed = pack(newer, tmp_path / "out", known_of(bundle))

    assert packed.file.name.endswith("-from-7.gwd")
    assert packed.files == 2  # manifest.json, and one of two files with one content
    assert packed.bytes < packed.whole / 3


@pytest.mark.parametrize("source", ["bundle", "store"])
def test_an_update_is_rebuilt_to_the_full_bundle_and_verifies(
    bundle: Path, newer: Path, tmp_path: Path, source: str
) -> None:
    packed = pack(newer, tmp_path / "out", known_of(bundle / SUMS))
    (tmp_path / "in").mkdir()
    for path in (one for one in bundle.rglob("*") if one.is_file()):
        blob = tmp_path / "store" / digest(path)[:2] / digest(path)
        blob.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, blob)
    blobs = of_bundle(bundle) if source == "bundle" else stored(tmp_path / "store")

    folder = rebuild(packed.file, blobs, tmp_path / "in")

    verified = verify(folder, trust(), replace(asked(), seq=7), check)
    assert verified.sums.header.seq == 8
    assert pack(folder, tmp_path / "again").sha256 == pack(newer, tmp_path / "whole").sha256


def test_a_blob_that_rotted_in_the_store_is_found_when_the_rebuilt_bundle_is_verified(
    bundle: Path, newer: Path, tmp_path: Path
) -> None:
    packed = pack(newer, tmp_path / "out", known_of(bundle))
    (tmp_path / "in").mkdir()
    (bundle / "docs/large.md").write_bytes(b"y" * 100_000)

    folder = rebuild(packed.file, of_bundle(bundle), tmp_path / "in")

    with pytest.raises(Refused, match=r"`docs/large.md` is not what was signed"):
        verify(folder, trust(), asked(), check)


def test_an_update_for_a_receiver_that_lacks_more_is_refused_and_leaves_nothing(
    bundle: Path, newer: Path, tmp_path: Path
) -> None:
    packed = pack(newer, tmp_path / "out", known_of(bundle))
    (tmp_path / "in").mkdir()

    with pytest.raises(Refused, match="carry the full bundle instead") as refused:
        rebuild(packed.file, lambda _: None, tmp_path / "in")

    assert refused.value.fault is Fault.MISSING
    assert list((tmp_path / "in").iterdir()) == []


def test_what_does_not_verify_is_not_packed(bundle: Path, tmp_path: Path) -> None:
    (bundle / "docs/large.md").write_bytes(b"z")

    with pytest.raises(Refused, match="is not what was signed"):
        pack(bundle, tmp_path / "out")

    assert not (tmp_path / "out").exists()
