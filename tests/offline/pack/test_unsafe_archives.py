"""Archives that want to write somewhere else, or be read in two ways. Each test is named for the fault it carries."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.pack import pack
from offline.rules.archive import unpack
from offline.rules.refusal import Fault, Refused
from tests.fakes.bundle import Release

TOP = "redoubt-0.1.0-x86_64"


def member(
    name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, **more: object
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for field, value in more.items():
        setattr(info, field, value)
    return info, content


def tar(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


LINK, HARD, DEVICE, PIPE, FOLDER = (
    tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE,
)  # fmt: skip
GOOD = member(f"{TOP}/a")
ATTACKS = {
    "leaves by dots": (tar(member(f"{TOP}/../../a")), Fault.NAME),
    "leaves by an absolute path": (tar(member("/etc/a")), Fault.NAME),
    "begins with a dot": (tar(member(f"./{TOP}/a")), Fault.NAME),
    "hides a file": (tar(member(f"{TOP}/.a")), Fault.NAME),
    "looks like an option": (tar(member(f"{TOP}/-rf")), Fault.NAME),
    "has a newline in its name": (tar(member(f"{TOP}/a\nb")), Fault.NAME),
    "has a doubled slash": (tar(member(f"{TOP}//a")), Fault.NAME),
    "symbolic link": (tar(GOOD, member(f"{TOP}/b", b"", LINK, linkname="/etc/passwd")), Fault.KIND),
    "hard link": (tar(GOOD, member(f"{TOP}/b", b"", HARD, linkname=f"{TOP}/a")), Fault.KIND),
    "device": (tar(member(f"{TOP}/null", b"", DEVICE)), Fault.KIND),
    "pipe": (tar(member(f"{TOP}/pipe", b"", PIPE)), Fault.KIND),
    "setuid": (tar(member(f"{TOP}/a", mode=0o4755)), Fault.MODE),
    "setgid folder": (tar(member(f"{TOP}/a", b"", FOLDER, mode=0o2755)), Fault.MODE),
    "one name twice": (tar(GOOD, GOOD), Fault.ARCHIVE),
    "one name twice in two cases": (tar(GOOD, member(f"{TOP}/A")), Fault.ARCHIVE),
    "a file that is a folder too": (tar(GOOD, member(f"{TOP}/a/b")), Fault.ARCHIVE),
    "two top folders": (tar(GOOD, member("other/a")), Fault.ARCHIVE),
    "a file beside the top folder": (tar(member("a")), Fault.ARCHIVE),
    "a second archive behind the first": (tar(GOOD) + tar(GOOD), Fault.ARCHIVE),
    "a long name by GNU's extension": (tar(member(f"{TOP}/{'a' * 120}"), kind=tarfile.GNU_FORMAT), Fault.KIND),
    "a name beyond ASCII": (tar(member(f"{TOP}/{'ä' * 60}"), kind=tarfile.PAX_FORMAT), Fault.ARCHIVE),
    "a long name that leaves": (tar(member(f"{TOP}/{'a' * 99}/../../b"), kind=tarfile.PAX_FORMAT), Fault.NAME),
    "a size by pax headers": (
        tar(member(f"{TOP}/a", pax_headers={"size": "9"}), kind=tarfile.PAX_FORMAT),
        Fault.ARCHIVE,
    ),
    "a short name by pax headers": (
        tar(member(f"{TOP}/a", pax_headers={"path": f"{TOP}/b"}), kind=tarfile.PAX_FORMAT),
        Fault.ARCHIVE,
    ),
    "two names for one member": (
        tar(member(f"{TOP}/a", pax_headers={"path": f"{TOP}/{'b' * 99}"}), kind=tarfile.PAX_FORMAT),
        Fault.ARCHIVE,
    ),
    "two pax headers": (tar(member(f"{TOP}/{'a' * 99}"), kind=tarfile.PAX_FORMAT)[:1024] * 2, Fault.ARCHIVE),
    "a block device": (tar(member(f"{TOP}/sda", b"", tarfile.BLKTYPE)), Fault.KIND),
    "a contiguous file": (tar(member(f"{TOP}/a", kind=tarfile.CONTTYPE)), Fault.KIND),
    "a sparse file by GNU's extension": (tar(member(f"{TOP}/a", kind=tarfile.GNUTYPE_SPARSE)), Fault.KIND),
    "sticky": (tar(member(f"{TOP}/a", mode=0o1755)), Fault.MODE),
    "a backslash": (tar(member(f"{TOP}/..\\a")), Fault.NAME),
    "a file with the target of a link": (tar(member(f"{TOP}/a", linkname="/etc/passwd")), Fault.ARCHIVE),
    "a folder with content": (tar(member(f"{TOP}/a", b"x", FOLDER)), Fault.ARCHIVE),
    "a path of more than 200 bytes": (
        tar(member(f"{TOP}/{'a' * 99}/{'b' * 120}"), kind=tarfile.PAX_FORMAT),
        Fault.NAME,
    ),
    "a number in base 256": (tar(GOOD)[:124] + b"\x80" + bytes(10) + b"\x01" + tar(GOOD)[136:], Fault.ARCHIVE),
    "a global pax header": (tar(member("a", b"", tarfile.XGLTYPE)), Fault.KIND),
    "nothing": (tar(), Fault.ARCHIVE),
    "no archive at all": (b"PK\x03\x04" + b"\x01" * 2000, Fault.ARCHIVE),
    "cut in a member": (tar(member(f"{TOP}/a", b"x" * 4000))[:2048], Fault.ARCHIVE),
    "cut before the end": (tar(GOOD)[:1024], Fault.ARCHIVE),
    "wrong checksum": (tar(GOOD).replace(b"0000644", b"0000755", 1), Fault.ARCHIVE),
}


@pytest.mark.parametrize("fault", ATTACKS)
def test_refused(fault: str, tmp_path: Path) -> None:
    content, expected = ATTACKS[fault]
    (tmp_path / "attack.tar").write_bytes(content)
    (tmp_path / "in").mkdir()

    with pytest.raises(Refused) as refused:
        unpack(tmp_path / "attack.tar", tmp_path / "in")

    assert refused.value.fault is expected, refused.value
    assert list((tmp_path / "in").iterdir()) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["attack.tar", "in"]


def test_a_member_that_says_it_is_larger_than_the_archive_is_refused(tmp_path: Path) -> None:
    info, _ = member(f"{TOP}/a")
    info.size = 8 * 1024**3 - 1
    (tmp_path / "attack.tar").write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + b"x" * 512)

    with pytest.raises(Refused, match="ends in the middle"):
        unpack(tmp_path / "attack.tar", tmp_path)


def test_what_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "one.tar").write_bytes(tar(GOOD))
    (tmp_path / TOP).symlink_to("/etc")

    with pytest.raises(Refused, match="is there already"):
        unpack(tmp_path / "one.tar", tmp_path)


def test_an_archive_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "one.tar").write_bytes(tar(GOOD))
    (tmp_path / "link.tar").symlink_to("one.tar")

    with pytest.raises(Refused) as refused:
        unpack(tmp_path / "link.tar", tmp_path)

    assert refused.value.fault is Fault.READ


def test_owners_and_modes_of_an_archive_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "one.tar").write_bytes(tar(member(f"{TOP}/a", mode=0o666, uid=4242, gid=4242, uname="somebody")))

    file = unpack(tmp_path / "one.tar", tmp_path) / "a"

    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o644, tmp_path.stat().st_uid)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("packed")
    return pack(Release().write(folder / "one"), folder).file.read_bytes()


@given(data=st.data())
def test_an_archive_with_any_byte_of_a_header_changed_writes_nothing_outside(
    packed: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    blocks = [at for at in range(0, len(packed), 512) if packed[at + 257 : at + 262] == b"ustar"]
    at = data.draw(st.sampled_from(blocks)) + data.draw(st.integers(0, 511))
    content = bytearray(packed)
    content[at] ^= data.draw(st.integers(1, 255))
    outer = tmp_path_factory.mktemp("outer")
    (outer / "in").mkdir()
    (outer / "a.tar").write_bytes(bytes(content))

    try:
        unpack(outer / "a.tar", outer / "in")
    except Refused:
        assert list((outer / "in").iterdir()) == []

    assert sorted(one.name for one in outer.iterdir()) == ["a.tar", "in"]
