"""Signatures over a bundle: made, verified at once, and read by the programs they are for."""

import json
import shlex
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from offline.build import build
from offline.failure import Failure
from offline.keys import make_key, minisign_public, read_public
from offline.rules.names import SUMS
from offline.rules.openssl import OpenSSL
from offline.rules.refusal import Refused
from offline.rules.trust import PREFIXES, Key, Trust, read_trust
from offline.rules.verify import verify
from offline.sign import Ready, accept, card, examine, sign, signed_by
from offline.signer import CommandSigner, KeySigner, read_key
from offline.trusts import keys_of
from tests.fakes.bundle import CREATED, asked, trust
from tests.fakes.source import Checkout, describe
from tests.system.needs import need

SECRET = b"correct horse battery"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    return build(Checkout(folder).order(folder / "out"), describe).folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of alice (Ed25519), bob (P-384) and carol (Ed25519), unencrypted."""
    folder = tmp_path_factory.mktemp("keys")
    for name, algorithm in (("alice", "ed25519"), ("bob", "p384"), ("carol", "ed25519")):
        make_key(algorithm, name, folder / name, None)
    return folder


@pytest.fixture
def believed(keys: Path) -> Trust:
    thresholds = {"root": 2, "app": 2}
    found = keys_of([str(one) for one in sorted(keys.glob("*.pub"))], thresholds)
    return read_trust(str(replace(trust(), thresholds=thresholds, keys=tuple(found))).encode())


@pytest.fixture
def ready(built: Path, believed: Trust) -> Iterator[Ready]:
    yield examine(built, believed)
    for signature in built.glob(f"{SUMS}.*"):
        signature.unlink()


def key(keys: Path, name: str) -> KeySigner:
    return read_key(keys / name, None)


def test_two_signers_make_a_bundle_that_verifies(ready: Ready, keys: Path, believed: Trust) -> None:
    made = [*sign(ready, "alice", key(keys, "alice")), *sign(ready, "bob", key(keys, "bob"))]

    verified = verify(ready.folder, believed, replace(asked(), known=CREATED), OpenSSL())

    assert sorted(one.name for one in made) == [
        "SHA256SUMS.alice.dsse.json", "SHA256SUMS.alice.ed25519.sig", "SHA256SUMS.alice.minisig",
        "SHA256SUMS.bob.p384.sig",
    ]  # fmt: skip
    assert verified.by == {"alice", "bob"} == signed_by(ready.folder, believed)[1]
    assert {stat.S_IMODE(one.stat().st_mode) for one in made} == {0o644}


def test_the_minisign_program_reads_our_signature(ready: Ready, keys: Path) -> None:
    minisign = need("minisign", "minisign")
    sign(ready, "alice", key(keys, "alice"))
    public = minisign_public(read_public(keys / "alice.pub")[2])

    command = [minisign, "-V", "-m", SUMS, "-x", f"{SUMS}.alice.minisig", "-P", public]
    ran = subprocess.run(command, cwd=ready.folder, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert "redoubt app 0.1.0 x86_64 number 7" in ran.stdout


def test_openssl_typed_by_hand_reads_our_signatures(ready: Ready, keys: Path) -> None:
    openssl = need("openssl", "openssl")
    sign(ready, "alice", key(keys, "alice"))
    subprocess.run([openssl, "pkey", "-in", keys / "alice", "-pubout", "-out", keys / "alice.pem"], check=True)

    command = (
        f"{openssl} pkeyutl -verify -pubin -inkey {keys}/alice.pem -rawin -in {SUMS} -sigfile {SUMS}.alice.ed25519.sig"
    )
    ran = subprocess.run(shlex.split(command), cwd=ready.folder, capture_output=True, text=True, check=False)

    assert "Verified Successfully" in ran.stdout


def test_the_envelope_attests_the_provenance_of_these_very_sums(ready: Ready, keys: Path) -> None:
    sign(ready, "alice", key(keys, "alice"))

    told = json.loads((ready.folder / f"{SUMS}.alice.dsse.json").read_bytes())

    assert told["payloadType"] == "application/vnd.in-toto+json"
    assert [one["keyid"] for one in told["signatures"]] == ["alice"]


def test_who_is_not_in_the_trust_file_cannot_sign(ready: Ready, keys: Path) -> None:
    with pytest.raises(Failure, match="`mallory` has no ed25519 key for `app` in trust file 1"):
        sign(ready, "mallory", key(keys, "carol"))


def test_a_key_of_somebody_else_writes_no_signature(ready: Ready, keys: Path) -> None:
    with pytest.raises(Refused, match="signature of `alice` is not right"):
        sign(ready, "alice", key(keys, "carol"))

    assert list(ready.folder.glob(f"{SUMS}.*")) == []


def test_what_would_not_verify_is_not_signed(ready: Ready, believed: Trust) -> None:
    page = ready.folder / "docs/operator-guide.md"
    content = page.read_bytes()
    page.write_bytes(content + b"!")
    try:
        with pytest.raises(Refused, match=r"`docs/operator-guide.md` is not what was signed"):
            examine(ready.folder, believed)
    finally:
        page.write_bytes(content)


@pytest.mark.parametrize(("name", "sign_with"), [("alice", "pkeyutl -sign -rawin -in"), ("bob", "dgst -sha384 -sign")])
def test_a_ceremony_signs_what_was_exported_and_brings_it_back(
    ready: Ready, keys: Path, tmp_path: Path, name: str, sign_with: str
) -> None:
    openssl = need("openssl", "openssl")
    exported = tmp_path / "to-sign"
    exported.write_bytes(ready.content)
    words = [*sign_with.split(), str(exported), "-inkey", str(keys / name)]
    if name == "bob":
        words = [*sign_with.split(), str(keys / name), str(exported)]
    made = subprocess.run([openssl, *words], capture_output=True, check=True).stdout

    written = accept(ready, name, made)

    assert written.read_bytes() == made
    assert signed_by(ready.folder, ready.trust)[1] == {name}


def test_a_signature_over_something_else_is_not_taken(ready: Ready, keys: Path) -> None:
    made = key(keys, "alice").sign(ready.content + b"\n")

    with pytest.raises(Failure, match="no signature of `alice` over this bundle"):
        accept(ready, "alice", made)


def test_the_card_names_what_is_signed_and_by_which_key(ready: Ready) -> None:
    told = card(ready, "bob")

    assert "redoubt 0.1.0, channel app, x86_64, number 7" in told
    assert "p384 sha256 " in told
    assert f"files     {len(ready.sums.files)}\n" in told


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("alice", "openssl pkeyutl -sign -rawin -inkey {key} -in {{file}} -out {{out}}"),
        ("alice", "openssl pkeyutl -sign -rawin -inkey {key} -in {{file}}"),
        ("bob", "openssl dgst -sha384 -sign {key}"),
        ("bob", "openssl pkeyutl -sign -inkey {key} -in {{digest}}"),
    ],
)
def test_a_command_signs_by_file_digest_or_standard_input(ready: Ready, keys: Path, name: str, command: str) -> None:
    need("openssl", "openssl")
    algorithm = key(keys, name).algorithm

    sign(ready, name, CommandSigner.parse(algorithm, command.format(key=keys / name)))

    assert signed_by(ready.folder, ready.trust)[1] == {name}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false", "ended with 1"),
        ("no-such-program", "cannot be run"),
        ("true {out}", "left no signature"),
        ("'", "read"),
    ],
)
def test_a_command_that_fails_is_named(ready: Ready, command: str, said: str) -> None:
    with pytest.raises(Failure, match=said):
        sign(ready, "alice", CommandSigner.parse("ed25519", command))


def test_a_token_behind_pkcs11_signs(ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SoftHSM holds a P-384 key that never leaves it; pkcs11-tool gives r and s raw."""
    tool = _token(tmp_path, monkeypatch)
    made = subprocess.run(
        shlex.split(f"{tool} --keypairgen --key-type EC:secp384r1 --label key"), check=True, capture_output=True
    ).stdout.decode()
    point = bytes.fromhex(made.split("EC_POINT:")[1].split()[0])[3:]  # without the OCTET STRING and the prefix's 04
    mine = Key("app", "hsm", "p384", PREFIXES["p384"] + point)
    believing = replace(ready, trust=replace(ready.trust, keys=(*ready.trust.keys, mine)))

    sign(believing, "hsm", CommandSigner.parse("p384", f"{tool} --label key --sign -m ECDSA -i {{digest}} -o {{out}}"))

    assert signed_by(ready.folder, believing.trust)[1] == {"hsm"}


def _token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh token of SoftHSM; the words that speak to it."""
    softhsm, tool = need("softhsm2-util", "softhsm2"), need("pkcs11-tool", "opensc")
    module = next(Path("/usr/lib").rglob("libsofthsm2.so"))
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    monkeypatch.setenv("TOKEN_PIN", "123456")
    fresh = f"{softhsm} --init-token --free --label redoubt --pin 123456 --so-pin 12345678"
    subprocess.run(shlex.split(fresh), check=True, capture_output=True)
    return f"{tool} --module {module} --token-label redoubt --login --pin env:TOKEN_PIN"


def test_a_key_is_encrypted_closed_and_never_overwritten(tmp_path: Path) -> None:
    line = make_key("ed25519", "alice", tmp_path / "alice", SECRET)

    content = (tmp_path / "alice").read_bytes()
    assert b"ENCRYPTED PRIVATE KEY" in content
    assert stat.S_IMODE((tmp_path / "alice").stat().st_mode) == 0o600
    assert (tmp_path / "alice.pub").read_text() == f"{line}\n"
    assert read_key(tmp_path / "alice", SECRET).spki() == read_public(tmp_path / "alice.pub")[2]
    with pytest.raises(Failure, match="never overwritten"):
        make_key("ed25519", "alice", tmp_path / "alice", SECRET)
    assert (tmp_path / "alice").read_bytes() == content


@pytest.mark.parametrize(
    ("passphrase", "said"), [(None, "is encrypted"), (b"something else", "the passphrase is another")]
)
def test_an_encrypted_key_is_not_opened_without_its_passphrase(
    tmp_path: Path, passphrase: bytes | None, said: str
) -> None:
    make_key("p384", "bob", tmp_path / "bob", SECRET)

    with pytest.raises(Failure, match=said) as failed:
        read_key(tmp_path / "bob", passphrase)

    assert "something else" not in failed.value.message


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="has 5 bytes; take 12"):
        make_key("ed25519", "alice", tmp_path / "alice", b"12345")
