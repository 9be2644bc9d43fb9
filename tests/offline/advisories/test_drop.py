"""What falls into the drop folder of a one-way link: complete or not, twice, late, broken, forged."""

import hashlib
import io
import json
import shutil
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from offline.advisories.archive import MOST_FILES, pack
from offline.advisories.drop import MOST_QUARANTINED, Gate, import_drop, import_folder, waiting
from offline.advisories.fault import BadAdvisories
from offline.advisories.site import Receipt, Site
from offline.advisories.snapshot import DATA, load
from tests.offline.channel import ANN, NOW, OPENSSL, advisory, channel, trust


class Link:
    """One site with a drop folder, and the sender at the other end."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.drop = tmp_path / "drop"
        self.drop.mkdir()
        self.site = Site(tmp_path / "state")

    def packed(self, seq: int, **more: Any) -> bytes:
        folder = self.tmp_path / f"sent-{len(list(self.tmp_path.iterdir()))}"
        channel(folder, advisory(f"PYSEC-2026-{seq}"), seq=seq, **more)
        return self.tar(folder)

    def tar(self, folder: Path) -> bytes:
        out = folder.with_suffix(".tar")
        out.unlink(missing_ok=True)
        pack(folder, out)
        return out.read_bytes()

    def deliver(self, content: bytes, name: str = "advisories.tar", marker: bytes | None = None) -> None:
        (self.drop / name).write_bytes(content)
        said = f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode() if marker is None else marker
        (self.drop / f"{name}.complete").write_bytes(said)

    def run(self, **more: Any) -> list[Receipt]:
        told: dict[str, Any] = {"trust": trust(), "check": OPENSSL, "now": NOW, "known": NOW} | more
        return import_drop(self.drop, self.site, Gate(**told))

    def refused(self, **more: Any) -> str:
        (receipt,) = self.run(**more)
        assert receipt.result == "quarantined"
        return receipt.reason or ""


@pytest.fixture
def link(tmp_path: Path) -> Link:
    return Link(tmp_path)


def test_a_complete_arrival_is_taken_into_use(link: Link) -> None:
    link.deliver(link.packed(1))

    (receipt,) = link.run()

    assert (receipt.result, receipt.seq, receipt.signed_by) == ("imported", 1, ["cara"])
    assert load(link.site.current).meta.seq == 1
    assert list(link.drop.iterdir()) == []


def test_without_its_marker_nothing_is_looked_at(link: Link) -> None:
    (link.drop / "advisories.tar").write_bytes(b"half")

    assert (link.run(), waiting(link.drop)) == ([], ["advisories.tar"])
    assert (link.drop / "advisories.tar").exists()


def test_the_same_again_changes_nothing(link: Link) -> None:
    content = link.packed(1)
    results = []
    for _ in range(3):
        link.deliver(content)
        before = sorted(link.site.folder.glob("[0-9]*"))
        results += [receipt.result for receipt in link.run()]

    assert results == ["imported", "same", "same"]
    assert sorted(link.site.folder.glob("[0-9]*")) == before


def test_a_higher_number_replaces_and_two_are_kept(link: Link) -> None:
    for seq in (1, 2, 3):
        link.deliver(link.packed(seq))
        link.run()

    assert link.site.current.readlink().name.startswith("3-")
    assert len(list(link.site.folder.glob("[0-9]*-*"))) == 2


def test_several_that_wait_are_taken_in_the_order_of_their_numbers(link: Link) -> None:
    for seq in (9, 10):
        link.deliver(link.packed(seq), name=f"advisories-{seq}.tar")

    assert [(one.seq, one.result) for one in link.run()] == [(9, "imported"), (10, "imported")]


def test_a_lower_number_is_quarantined_with_its_reason(link: Link) -> None:
    for seq in (2, 1):
        link.deliver(link.packed(seq))
        receipts = link.run()

    assert "takes only higher ones" in (receipts[0].reason or "")
    assert load(link.site.current).meta.seq == 2
    (reason,) = (link.site.folder / "quarantine").glob("*.reason")
    assert "number is 1" in reason.read_text()


def test_another_content_under_a_number_that_was_seen_is_quarantined(link: Link) -> None:
    link.deliver(link.packed(1))
    link.run()
    link.deliver(link.packed(1, created=NOW - timedelta(hours=3)))

    assert "takes only higher ones" in link.refused()


def test_deleting_the_snapshot_in_use_lets_no_older_one_in(link: Link) -> None:
    link.deliver(link.packed(2))
    link.run()
    shutil.rmtree(link.site.current.resolve())
    link.deliver(link.packed(1))

    assert "takes only higher ones" in link.refused()


def test_a_lost_snapshot_comes_back_with_the_next_repetition(link: Link) -> None:
    content = link.packed(1)
    link.deliver(content)
    link.run()
    shutil.rmtree(link.site.current.resolve())
    link.deliver(content)

    assert [one.result for one in link.run()] == ["same"]
    assert load(link.site.current).meta.seq == 1


def test_a_spoilt_snapshot_is_repaired_by_the_next_repetition(link: Link) -> None:
    content = link.packed(1)
    link.deliver(content)
    link.run()
    (link.site.current / DATA).write_bytes(b"")
    link.deliver(content)

    assert [one.result for one in link.run()] == ["same"]
    assert load(link.site.current).meta.seq == 1


def test_a_mark_that_does_not_read_stops_every_import(link: Link) -> None:
    link.deliver(link.packed(1))
    link.run()
    (link.site.folder / "seen.json").write_text("{")
    link.deliver(link.packed(2))

    assert "does not read" in link.refused()


def test_a_second_importer_waits_for_the_first(link: Link) -> None:
    with link.site.alone(), pytest.raises(BadAdvisories, match="another import"):
        link.run()


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        (b"", "marker"),
        (b"done\n", "marker"),
        (b"0" * 64 + b"  other.tar\n", "marker"),
        (b"0" * 64 + b"\n", "arrived broken"),
        (b"0" * 300, "more than 256 bytes"),
    ],
)
def test_a_marker_that_says_something_else_quarantines(link: Link, marker: bytes, said: str) -> None:
    link.deliver(link.packed(1), marker=marker)

    assert said in link.refused()
    assert not link.site.current.exists()


def test_after_a_broken_arrival_the_next_repetition_gets_its_chance(link: Link) -> None:
    content = link.packed(1)
    link.deliver(content, marker=b"0" * 64)
    link.run()
    link.deliver(content)

    assert [one.result for one in link.run()] == ["imported"]


def test_what_the_keys_of_another_channel_signed_is_quarantined(link: Link) -> None:
    link.deliver(link.packed(1, signer=ANN))

    assert "[signature]" in link.refused()


def test_what_nobody_signed_is_quarantined(link: Link) -> None:
    link.deliver(link.packed(1, signer=None))

    assert "[threshold]" in link.refused()


def test_what_has_expired_is_quarantined_unless_a_reason_is_given_and_kept(link: Link) -> None:
    content = link.packed(1, created=NOW - timedelta(days=3), expires=NOW - timedelta(days=1))
    link.deliver(content)
    assert "[expired]" in link.refused()

    link.deliver(content)
    (receipt,) = link.run(accepted={"expired": "the courier was late"})

    assert (receipt.result, receipt.accepted) == ("imported", ["expired: the courier was late"])


def test_a_clock_that_was_set_back_is_noticed_by_what_was_verified_before(link: Link) -> None:
    link.deliver(link.packed(1))
    link.run()
    link.deliver(link.packed(2))

    assert "[clock]" in link.refused(now=NOW - timedelta(days=900), known=NOW - timedelta(days=900))


def folder_for(link: Link) -> Path:
    return channel(link.tmp_path / "crafted", seq=1)


def test_a_file_more_is_quarantined(link: Link) -> None:
    folder = folder_for(link)
    (folder / "more.py").write_text("print()")
    link.deliver(link.tar(folder))

    assert "[unlisted]" in link.refused()


def test_a_changed_file_is_quarantined(link: Link) -> None:
    folder = folder_for(link)
    (folder / DATA).write_bytes((folder / DATA).read_bytes() + b"\0")
    link.deliver(link.tar(folder))

    assert "[hash]" in link.refused()


def tar_with(**more: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.USTAR_FORMAT) as archive:
        for number in range(more.pop("times", 1)):
            member = tarfile.TarInfo(more.get("name", f"f{number}"))
            member.type = more.get("type", tarfile.REGTYPE)
            member.linkname = more.get("linkname", "")
            archive.addfile(member)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(tar_with(name="../escape"), id="a way up"),
        pytest.param(tar_with(name="/etc/escape"), id="a way from the root"),
        pytest.param(tar_with(name="sub/file"), id="a folder"),
        pytest.param(tar_with(name="link", type=b"2", linkname="/etc/passwd"), id="a link"),
        pytest.param(tar_with(name="hard", type=b"1", linkname="SHA256SUMS"), id="a hard link"),
        pytest.param(tar_with(name="pipe", type=b"6"), id="a pipe"),
        pytest.param(tar_with(name="device", type=b"3"), id="a device"),
        pytest.param(tar_with(name="twice", times=2), id="one name twice"),
        pytest.param(tar_with(times=MOST_FILES + 1), id="too many files"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"no tar at all", id="no tar"),
        pytest.param(tar_with()[:700], id="a cut tar"),
    ],
)
def test_a_tar_that_is_not_a_handful_of_plain_files_is_quarantined(link: Link, content: bytes) -> None:
    link.deliver(content)

    assert link.refused()
    assert not link.site.current.exists()
    assert not (link.tmp_path / "escape").exists()


def test_links_in_the_drop_folder_are_not_followed(link: Link) -> None:
    secret = link.tmp_path / "secret"
    secret.write_bytes(b"x")
    (link.drop / "a.tar").symlink_to(secret)
    (link.drop / "a.tar.complete").write_text(hashlib.sha256(b"x").hexdigest())

    assert link.run() == []
    assert secret.exists()


def test_a_link_that_delivers_rubbish_for_ever_does_not_fill_the_disk(link: Link) -> None:
    for number in range(MOST_QUARANTINED + 5):
        link.deliver(b"rubbish %d" % number, name=f"a{number}.tar")
    link.run()

    assert len(list((link.site.folder / "quarantine").glob("*.tar"))) == MOST_QUARANTINED
    assert len(list((link.site.folder / "quarantine").glob("*.reason"))) == MOST_QUARANTINED + 5


def test_every_arrival_leaves_a_receipt_on_its_own_line(link: Link) -> None:
    for content in (link.packed(1), b"rubbish"):
        link.deliver(content)
        link.run()

    lines = [json.loads(line) for line in (link.site.folder / "receipts.jsonl").read_text().splitlines()]
    assert [line["result"] for line in lines] == ["imported", "quarantined"]
    assert link.site.last() is not None


def test_a_folder_on_a_medium_is_imported_and_left_as_it_was(link: Link) -> None:
    folder = channel(link.tmp_path / "medium", seq=4)
    before = sorted(file.name for file in folder.iterdir())

    receipt = import_folder(folder, link.site, Gate(trust=trust(), check=OPENSSL, now=NOW, known=NOW))

    assert (receipt.result, receipt.seq) == ("imported", 4)
    assert sorted(file.name for file in folder.iterdir()) == before


def test_a_refused_folder_on_a_medium_says_why(link: Link) -> None:
    folder = channel(link.tmp_path / "medium", signer=None)

    with pytest.raises(BadAdvisories, match="distinct signers"):
        import_folder(folder, link.site, Gate(trust=trust(), check=OPENSSL, now=NOW, known=NOW))


def test_nothing_is_left_of_an_import_but_its_result(link: Link) -> None:
    link.deliver(link.packed(1))
    link.run()

    assert not list(link.site.folder.glob(".*"))
