import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config.secrets import MasterKey, config_path, create_master_key, read_master_key, resolve
from appliance.domain.errors import ConfigError

HIDDEN = "gpu-token-6f2c"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{HIDDEN}\n")
    file.chmod(0o400)
    return file


def test_a_file_reference_is_read_without_its_last_newline(token: Path) -> None:
    assert resolve(f"file:{token}", Path("/elsewhere")).reveal() == HIDDEN
    assert resolve("file:token", token.parent).reveal() == HIDDEN


def test_an_env_reference_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NODE_TOKEN", HIDDEN)

    assert resolve("env:NODE_TOKEN", tmp_path).reveal() == HIDDEN
    with pytest.raises(ConfigError, match="no `NODE_TOKEN_2`"):
        resolve("env:NODE_TOKEN_2", tmp_path)


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o620, 0o601])
def test_a_secret_others_may_read_is_refused(token: Path, mode: int) -> None:
    token.chmod(mode)

    with pytest.raises(ConfigError, match="others may read") as refused:
        resolve(f"file:{token}", token.parent)

    assert HIDDEN not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"tab\there", b"nul\x00", "umlaut-ä".encode()])
def test_a_secret_that_cannot_stand_in_a_header_is_refused(token: Path, content: bytes) -> None:
    token.chmod(0o600)
    token.write_bytes(content)

    with pytest.raises(ConfigError, match="printable ASCII"):
        resolve(f"file:{token}", token.parent)


@pytest.mark.parametrize("reference", ["", "hunter2", "file:", "env:", "vault:x", "FILE:token"])
def test_what_is_not_a_reference_is_refused_without_being_repeated(reference: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        resolve(reference, tmp_path)

    assert "hunter2" not in str(refused.value)


def test_a_missing_a_huge_and_an_irregular_file_are_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    huge.write_bytes(b"x" * 70_000)
    huge.chmod(0o400)
    os.mkfifo(tmp_path / "pipe", 0o400)

    for name, words in (("none", "No such file"), ("huge", "longer than"), ("pipe", "not a regular file")):
        with pytest.raises(ConfigError, match=words):
            resolve(f"file:{name}", tmp_path)


def test_a_secret_of_another_user_is_refused(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(token, 12345, 0)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)

    with pytest.raises(ConfigError, match=r"belongs to user \d+; give it"):
        resolve(f"file:{token}", token.parent)


def test_a_master_key_is_made_once_with_mode_0400(tmp_path: Path) -> None:
    file = tmp_path / "master.key"

    made = create_master_key(file)

    assert file.stat().st_mode & 0o7777 == 0o400
    assert len(file.read_bytes()) == 32
    assert read_master_key(file).derive("x") == made.derive("x")
    with pytest.raises(ConfigError, match="never overwritten"):
        create_master_key(file)


def test_a_master_key_of_wrong_mode_or_size_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    create_master_key(file)

    file.chmod(0o600)
    with pytest.raises(ConfigError, match=r"mode 0600; run `chmod 0400`"):
        read_master_key(file)

    file.write_bytes(b"x" * 31)
    file.chmod(0o400)
    with pytest.raises(ConfigError, match="has 32 bytes, this one 31"):
        read_master_key(file)

    file.chmod(0o600)
    file.write_bytes(b"x" * 33)
    file.chmod(0o400)
    with pytest.raises(ConfigError, match="longer than 32"):
        read_master_key(file)


def test_a_master_key_is_not_made_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "master.key").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigError):
        create_master_key(tmp_path / "master.key")
    assert not (tmp_path / "elsewhere").exists()


@settings(deadline=None)
@given(st.binary(max_size=64), st.text(max_size=12))
def test_what_is_sealed_opens_under_the_same_key_and_purpose_alone(plain: bytes, purpose: str) -> None:
    ours, other = MasterKey(b"a" * 32), MasterKey(b"b" * 32)
    sealed = ours.seal(plain, purpose)

    assert ours.unseal(sealed, purpose) == plain
    for key, what, text in (
        (other, purpose, sealed),
        (ours, purpose + "x", sealed),
        (ours, purpose, sealed[:-1]),
        (ours, purpose, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (ours, purpose, b"\x02" + sealed[1:]),
        (ours, purpose, b""),
    ):
        with pytest.raises(ConfigError):
            key.unseal(text, what)


def test_a_pepper_opens_for_its_own_version_only() -> None:
    key = MasterKey(b"a" * 32)
    sealed = key.new_pepper(3)

    assert len(key.pepper(3, sealed)) == 32
    with pytest.raises(ConfigError, match="does not open `pepper 4`"):
        key.pepper(4, sealed)


def test_two_peppers_and_two_purposes_differ() -> None:
    key = MasterKey(b"a" * 32)

    assert key.pepper(1, key.new_pepper(1)) != key.pepper(1, key.new_pepper(1))
    assert key.derive("salt") != key.derive("seal")


def test_a_master_key_is_never_printed() -> None:
    assert "a" * 8 not in repr(MasterKey(b"a" * 32))


def test_the_configuration_is_the_one_given_then_the_one_named_then_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDOUBT_CONFIG", raising=False)
    monkeypatch.setattr("appliance.config.secrets.CONFIG_PLACES", (Path("redoubt.yaml"),))
    with pytest.raises(ConfigError, match="redoubt init"):
        config_path()

    (tmp_path / "redoubt.yaml").touch()
    assert config_path() == Path("redoubt.yaml")
    monkeypatch.setenv("REDOUBT_CONFIG", "/named.yaml")
    assert config_path() == Path("/named.yaml")
    assert config_path(Path("given.yaml")) == Path("given.yaml")


@pytest.mark.parametrize("reference", ["file:a\x00b", "file:\ud800", "file:" + "a" * 5000])
def test_a_path_that_no_file_can_have_is_refused(reference: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="secret file"):
        resolve(reference, tmp_path)
