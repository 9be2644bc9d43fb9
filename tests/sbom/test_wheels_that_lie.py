"""Wheels that carry a fault: each one is refused before anything is written, with its own message."""

from pathlib import Path

import pytest

from sbom import natives
from sbom.collect import Tables, collect
from sbom.elf import NotElf, needed
from sbom.model import Refused
from sbom.wheel import read
from tests.sbom.conftest import TAG
from tests.sbom.wheels import PRODUCT, SERVE, TOOLS, build, elf


def refused(path: Path, tables: Tables, *more: Path) -> str:
    with pytest.raises(Refused) as error:
        collect({SERVE: [path, *more]}, PRODUCT, tables)
    return str(error.value)


def test_a_native_file_nobody_looked_into_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "dark", files={"dark/_x.so": elf("libc.so.6")}, tag=TAG)

    assert "holds native code (dark/_x.so)" in refused(path, tables)


def test_a_native_file_under_a_harmless_name_is_found_by_its_magic(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "dark", files={"dark/data.bin": elf("libc.so.6")})

    assert "holds native code (dark/data.bin)" in refused(path, tables)


def test_a_hidden_bundled_library_is_refused_in_a_wheel_that_is_known(tmp_path: Path, tables: Tables) -> None:
    files = {"quick/_core.so": elf("libc.so.6", extra=b"quick 2.1\0"), "quick.libs/libevil.so.1": elf()}
    path = build(tmp_path, "quick", files=files, tag=TAG)

    assert "`quick.libs/libevil.so.1`" in refused(path, tables)


def test_another_version_of_a_known_wheel_is_looked_at_again(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "quick", "1.1", files={"quick/_core.so": elf(extra=b"quick 2.1\0")}, tag=TAG)

    assert "account for `quick` 1.1" in refused(path, tables)


def test_a_wheel_that_lacks_the_proof_of_its_library_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "quick", files={"quick/_core.so": elf(extra=b"quick 3.0\0")}, tag=TAG)

    assert "lacks `quick 2.1`" in refused(path, tables)


def test_a_library_of_the_host_that_nobody_named_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "quick", files={"quick/_core.so": elf("libtor.so.9", extra=b"quick 2.1\0")}, tag=TAG)

    assert "loads `libtor.so.9`" in refused(path, tables)


def test_an_empty_document_inside_a_wheel_accounts_for_nothing(tmp_path: Path, tables: Tables) -> None:
    told = b'{"bomFormat": "CycloneDX", "components": []}'
    files = {"dark/_x.so": elf(), "dark-1.0.dist-info/sboms/a.json": told}

    assert "holds native code" in refused(build(tmp_path, "dark", files=files, tag=TAG), tables)


def test_a_program_for_another_system_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "dark", files={"dark/run.dat": b"MZ" + bytes(62) + b"PE\0\0"})

    assert "a program for another system" in refused(path, tables)


def test_a_so_that_is_no_elf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="begins like a native file and is none"):
        read(build(tmp_path, "dark", files={"dark/_x.so": b"text"}))


@pytest.mark.parametrize("cut", [5, 40, 100, 180])
def test_a_cut_elf_is_no_elf(cut: int) -> None:
    with pytest.raises(NotElf):
        needed(elf("libc.so.6", "libm.so.6")[:cut])


def test_a_record_that_lies_about_a_digest_is_refused(tmp_path: Path) -> None:
    path = build(tmp_path, "plain", after={"plain/__init__.py": b"NAME = 'other'\n"})

    with pytest.raises(Refused, match=r"lies about `plain/__init__\.py`"):
        read(path)


def test_a_file_that_record_does_not_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"`sneak\.pth` lies in wheel"):
        read(build(tmp_path, "plain", after={"sneak.pth": b"import os\n"}))


def test_a_record_that_keeps_a_digest_to_itself_is_refused(tmp_path: Path) -> None:
    silent = b"plain/__init__.py,,\nplain-1.0.dist-info/METADATA,,\nplain-1.0.dist-info/RECORD,,\n"

    with pytest.raises(Refused, match="gives no sha256"):
        read(build(tmp_path, "plain", after={"plain-1.0.dist-info/RECORD": silent}))


def test_a_path_out_of_the_wheel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="outside itself"):
        read(build(tmp_path, "plain", files={"../../etc/passwd": b"x"}))


def test_a_wheel_that_says_another_name_inside_is_refused(tmp_path: Path) -> None:
    path = build(tmp_path, "plain")

    with pytest.raises(Refused, match=r"says inside that it is `plain` 1\.0"):
        read(path.rename(path.with_name("requests-1.0-py3-none-any.whl")))


def test_bytes_that_are_no_archive_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain-1.0-py3-none-any.whl"
    path.write_bytes(b"PK\3\4 and nothing")

    with pytest.raises(Refused, match="no readable archive"):
        read(path)


def test_an_unknown_licence_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "plain", head=("License: see the web",))

    assert "the licence of `plain` 1.0 is unknown" in refused(path, tables)


def test_a_licence_the_policy_does_not_allow_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "plain", head=("License-Expression: GPL-3.0-only",))

    assert "`GPL-3.0-only` of `plain` is not allowed" in refused(path, tables)


def test_an_invented_licence_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "plain", head=("License-Expression: MIT-or-so",))

    assert "no SPDX licence expression" in refused(path, tables)


def test_two_wheels_of_one_package_in_an_environment_are_refused(tmp_path: Path, tables: Tables) -> None:
    message = refused(build(tmp_path, "plain", "1.0"), tables, build(tmp_path, "plain", "1.1"))

    assert "has two wheels of `plain`" in message


def test_two_different_files_of_one_name_are_refused(tmp_path: Path, tables: Tables) -> None:
    one, other = build(tmp_path / "a", "plain"), build(tmp_path / "b", "plain", head=("License-Expression: ISC",))

    with pytest.raises(Refused, match="two different wheels are called"):
        collect({SERVE: [one], TOOLS: [other]}, PRODUCT, tables)


def test_a_copy_of_a_package_that_nobody_named_is_refused(tmp_path: Path, tables: Tables) -> None:
    path = build(tmp_path, "plain", files={"plain/_vendor/vendor.txt": b"strange==1.0\n"})

    assert "its own copy of `strange`" in refused(path, tables)


def test_a_table_with_an_unknown_word_is_refused(tmp_path: Path) -> None:
    (tmp_path / "native.toml").write_text("[[wheel]]\nname = 'a'\nversion = '1'\nown = ''\nexcuse = true\n")

    with pytest.raises(Refused, match="excuse"):
        natives.load(tmp_path / "native.toml")
