"""What a new lock brings, told from the wheels themselves."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from offline.delta import changes, content, unchanged
from offline.rules.lock import Pin
from tests.fakes.bundle import wheel

NATIVE = "cp311-cp311-manylinux_2_28_x86_64"
QUIET = {"alpha/__init__.py": b"VALUE = 1\n" * 50}
ENTRY = "alpha-2.0.dist-info/entry_points.txt"


def told(folder: Path, after: Mapping[str, bytes], tag: str = "py3-none-any") -> list[tuple[str, str]]:
    """(kind, detail) of an upgrade from a quiet wheel to one with these files."""
    before = wheel(folder / "before", "alpha", "1.0", QUIET)
    new = wheel(folder / "after", "alpha", "2.0", {**QUIET, **after}, tag)
    return [(one.kind, one.detail) for one in changes({"alpha": content(before)}, {"alpha": content(new)})]


def test_an_upgrade_that_brings_nothing_else_is_only_that(tmp_path: Path) -> None:
    assert told(tmp_path, {}) == [("upgraded", "1.0 -> 2.0")]


@pytest.mark.parametrize(
    ("fault", "files", "kind", "detail"),
    [
        ("a planted .pth", {"zzz.pth": b"import os; os.getpid()\n"}, "pth", "zzz.pth runs at every start"),
        ("a sitecustomize", {"sitecustomize.py": b"pass\n"}, "pth", "sitecustomize.py runs at every start"),
        (
            "a new program",
            {ENTRY: b"[console_scripts]\npip = alpha:main\n"},
            "entry-point",
            "console_scripts: pip = alpha",
        ),
        ("a new plug-in", {ENTRY: b"[pytest11]\nalpha = alpha\n"}, "entry-point", "pytest11: alpha = alpha"),
        ("a script", {"alpha-2.0.data/scripts/pip": b"#!python\n"}, "entry-point", "bin/pip"),
        ("a wheel that grew", {"alpha/large.bin": b"x" * 5000}, "size", " bytes"),
    ],
)
def test_told(tmp_path: Path, fault: str, files: Mapping[str, bytes], kind: str, detail: str) -> None:
    found = [text for one, text in told(tmp_path, files) if one == kind]

    assert len(found) == 1, fault
    assert detail in found[0]


def test_native_code_where_there_was_none_is_told(tmp_path: Path) -> None:
    assert ("native", "1 files: alpha/_speed.so") in told(tmp_path, {"alpha/_speed.so": b"\x7fELF"}, NATIVE)


def test_the_tags_in_a_native_members_name_are_no_change(tmp_path: Path) -> None:
    names = ("alpha/_speed.cpython-311-x86_64-linux-gnu.so", "alpha/_speed.abi3.so")
    one, other = (
        wheel(tmp_path / str(at), "alpha", "1.0", {name: b"\x7fELF"}, NATIVE) for at, name in enumerate(names)
    )

    assert changes({"alpha": content(one)}, {"alpha": content(other)}) == []


def test_a_new_package_tells_all_it_brings_and_a_removed_one_is_named(tmp_path: Path) -> None:
    new = content(wheel(tmp_path, "beta", "1.0", {"beta.pth": b"import beta\n"}))
    gone = content(wheel(tmp_path, "gone", "3.0", {"gone.py": b""}))

    found = [(one.package, one.kind) for one in changes({"gone": gone}, {"beta": new})]

    assert found == [("beta", "new"), ("beta", "pth"), ("gone", "removed")]


def test_only_what_is_the_very_same_file_need_not_be_read() -> None:
    same, other = Pin("alpha", "1.0", "a" * 64), Pin("beta", "1.0", "b" * 64)

    assert unchanged([same, other], [same, Pin("beta", "1.0", "c" * 64)]) == {"alpha"}
