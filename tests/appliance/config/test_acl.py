import errno
import os
import struct
from pathlib import Path

import pytest

from appliance.config.acl import mode_of
from appliance.config.secrets import create_master_key, read_master_key, resolve
from appliance.domain.errors import ConfigError
from tests.system.needs import missing

USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
NOBODY = 2**32 - 1
OURS = [(USER_OBJ, 4, NOBODY), (USER, 4, os.geteuid()), (GROUP_OBJ, 0, NOBODY), (MASK, 4, NOBODY), (OTHER, 0, NOBODY)]


@pytest.fixture
def credential(tmp_path: Path) -> Path:
    file = tmp_path / "master.key"
    create_master_key(file)
    return file


def allow(file: Path, entries: list[tuple[int, int, int]]) -> None:
    told = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries))
    try:
        os.setxattr(file, "system.posix_acl_access", told)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            missing("this file system keeps no access control lists")
        raise


def test_a_credential_as_systemd_hands_it_over_is_read(credential: Path) -> None:
    allow(credential, OURS)

    assert credential.stat().st_mode & 0o777 == 0o440  # what `ls` and a plain check see
    assert read_master_key(credential).derive("x")


@pytest.mark.parametrize("entry", [(USER, 4, 54321), (GROUP, 4, 54321), (GROUP_OBJ, 4, NOBODY), (OTHER, 4, NOBODY)])
def test_one_that_somebody_else_may_read_is_refused(entry: tuple[int, int, int], credential: Path) -> None:
    allow(credential, [*(one for one in OURS if one[0] != entry[0] or entry[0] == USER), entry])

    with pytest.raises(ConfigError, match="has mode 0"):
        read_master_key(credential)
    with pytest.raises(ConfigError, match="others may read"):
        resolve(f"file:{credential}", credential.parent)


def test_without_a_list_the_mode_counts(credential: Path) -> None:
    for mode in (0o400, 0o640, 0o604):
        credential.chmod(mode)
        with credential.open("rb") as file:
            assert mode_of(file.fileno()) == mode


def test_under_systemd_the_credential_takes_the_place_of_the_file_at_rest(
    credential: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_rest = tmp_path / "etc" / "master.key"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credential.parent))

    assert read_master_key(at_rest).derive("x") == read_master_key(credential).derive("x")


def test_without_that_credential_the_file_at_rest_is_read(
    credential: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "none"))

    assert read_master_key(credential).derive("x")


def test_a_credential_that_cannot_be_looked_at_is_told_and_not_passed_over(
    credential: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", f"/{'x' * 300}")

    with pytest.raises(ConfigError, match="master key file cannot be read"):
        read_master_key(credential)
