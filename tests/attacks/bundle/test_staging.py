"""A medium that changes while it is copied: what is verified is what is installed, or all is refused.

`progress` is called between two files: there a hand changes the medium, as another process would.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from installer.staging import copy_medium
from offline.rules.refusal import Fault, Refused
from offline.rules.release import check_release
from offline.rules.verify import verify
from tests.fakes.bundle import asked, check, trust

VICTIM = "wheels/alpha-1.0-py3-none-any.whl"
BEFORE, AFTER = "trust/1.trust", "wheels/beta-2.0-cp311-cp311-manylinux_2_28_x86_64.whl"
Change = Callable[[Path], None]


def replaced(make: Change) -> Change:
    def change(file: Path) -> None:
        file.unlink()
        make(file)

    return change


def aside(file: Path) -> None:
    file.rename(file.with_name("zz"))
    file.symlink_to("zz")


def folder_to_link(file: Path) -> None:
    file.parent.rename(file.parent.with_name("away"))
    file.parent.symlink_to("/etc")


SWAPS: dict[str, Change] = {
    "another file": replaced(lambda file: void(file.write_bytes(b"planted"))),
    "the same file written over": lambda file: void(file.write_bytes(b"planted")),
    "cut short": lambda file: os.truncate(file, 10),
    "a link to a file of the host": replaced(lambda file: file.symlink_to("/etc/passwd")),
    "a link to the same content": aside,
    "a link to a device that never ends": replaced(lambda file: file.symlink_to("/dev/zero")),
    "a pipe that nobody writes to": replaced(os.mkfifo),
    "a folder": replaced(lambda file: file.mkdir()),
    "gone": lambda file: file.unlink(),
    "its folder a link": folder_to_link,
    "setuid": lambda file: file.chmod(0o4755),
}


def void(_: object) -> None:
    """Of use where a call returns something."""


def staged(medium: Path, target: Path, when: str, change: Change) -> Path:
    """A copy of the medium, which changes once `when` has been copied."""

    def progress(path: str, _: int) -> None:
        if path == when:
            change(medium / VICTIM)

    copy_medium(medium, target, progress)
    return target


def judged(folder: Path) -> None:
    check_release(folder, verify(folder, trust(), asked(), check).sums)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("swap", SWAPS)
def test_a_file_swapped_before_it_is_copied_is_refused(swap: str, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        judged(staged(bundle, tmp_path / "own", BEFORE, SWAPS[swap]))


@pytest.mark.parametrize("swap", [one for one in SWAPS if one != "its folder a link"])
def test_a_file_swapped_after_it_was_copied_changes_nothing(swap: str, bundle: Path, tmp_path: Path) -> None:
    honest = (bundle / VICTIM).read_bytes()
    own = staged(bundle, tmp_path / "own", AFTER, SWAPS[swap])
    for one in own.rglob("*"):
        assert not one.is_symlink()

    judged(own)

    assert (own / VICTIM).read_bytes() == honest


@pytest.mark.timeout(60)
@pytest.mark.parametrize("swap", [lambda file: file.symlink_to("/etc/passwd"), os.mkfifo], ids=["a link", "a pipe"])
def test_a_file_swapped_between_the_look_and_the_reading_is_refused(
    swap: Change, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = os.stat

    def late(name: str, **how: object) -> os.stat_result:
        seen = look(name, **how)  # type: ignore[arg-type]  # as the caller said it
        if name == Path(VICTIM).name:
            replaced(swap)(bundle / VICTIM)
        return seen

    monkeypatch.setattr("installer.staging.os.stat", late)

    with pytest.raises(Refused):
        judged(staged(bundle, tmp_path / "own", "", void))


def test_a_hard_link_to_what_was_signed_is_as_good_and_the_copy_is_our_own(bundle: Path, tmp_path: Path) -> None:
    """Only bytes count: a link under a listed name has the signed bytes, or the wrong hash. The copy shares nothing."""
    away = tmp_path / "held-by-another"
    (bundle / VICTIM).rename(away)
    os.link(away, bundle / VICTIM)
    own = staged(bundle, tmp_path / "own", "", void)
    away.write_bytes(b"planted, through the other name")

    judged(own)

    assert (own / VICTIM).stat().st_nlink == 1
    with pytest.raises(Refused) as why:
        judged(bundle)
    assert why.value.fault is Fault.HASH


def test_the_copy_is_nobody_elses(bundle: Path, tmp_path: Path) -> None:
    own = staged(bundle, tmp_path / "own", "", void)

    assert {one.stat().st_mode & 0o077 for one in [own, *own.rglob("*")]} == {0}
