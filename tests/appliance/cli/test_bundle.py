"""`redoubt bundle`, from keys to a verified update, as people call it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.cli import main
from offline.build import Draft
from offline.rules.tree import digest
from offline.signer import read_key
from tests.fakes.source import Checkout, describe

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """A call of the program in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Result:
        return CliRunner().invoke(main, ["bundle", *map(str, words)])

    return run


def good(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def made(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of a tiny checkout, with keys and trust made by the program itself."""
    told: Callable[..., Callable[[Draft], None]] = lambda *_: describe  # noqa: E731 -- the list of parts is told elsewhere
    monkeypatch.setattr("offline.describe.describe", told)
    for name, algorithm in (("alice", "ed25519"), ("bob", "p384"), ("carol", "ed25519")):
        good(call("keys", "make", name, "--out", f"{name}.key", "--algorithm", algorithm, "--no-passphrase"))
    public = [word for name in ("alice", "bob", "carol") for word in ("--key", f"{name}.key.pub")]
    good(call("trust", "make", "trust", *public))
    return build(call, tmp_path, "one", 7)


def build(call: Call, folder: Path, name: str, seq: int, *more: object) -> Path:
    source = folder / name
    checkout = Checkout(source, {"appliance/docs/number.md": f"{seq}\n".encode()})
    words = ("--source", checkout.folder, "--wheels", checkout.wheels, "--trust", "trust", "--out", f"out-{name}")
    told = good(call("build", "--arch", "x86_64", "--python", "3.11", "--seq", seq, *words, *more, "--json"))
    return folder / str(json.loads(told)["folder"])


def sign(call: Call, bundle: Path) -> None:
    for name in ("alice", "bob"):
        good(call("sign", bundle, "--id", name, "--key", f"{name}.key"))


def test_a_bundle_is_signed_by_two_and_verified(call: Call, made: Path) -> None:
    first = good(call("sign", made, "--id", "alice", "--key", "alice.key"))
    second = json.loads(good(call("sign", made, "--id", "bob", "--key", "bob.key", "--json")))

    told = json.loads(good(call("verify", made, "--trust", "trust/1.trust", "--arch", "x86_64", "--json")))

    assert "signed by alice: 1 more needed (it takes 2)" in first
    assert second["signed_by"] == ["alice", "bob"]
    assert told["signed_by"] == ["alice", "bob"]
    assert told["release"]["seq"] == 7


def test_one_signature_is_not_enough(call: Call, made: Path) -> None:
    good(call("sign", made, "--id", "alice", "--key", "alice.key"))

    refused = call("verify", made, "--trust", "trust/1.trust", "--arch", "x86_64")

    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1] == (
        "redoubt: it takes 2 distinct signers for `app`; signed: alice [threshold]"
    )


def test_the_paper_is_what_a_first_site_believes(call: Call, made: Path) -> None:
    sign(call, made)
    page = good(call("trust", "paper", "trust"))
    digits = " ".join(line.strip() for line in page.splitlines()[2:4])

    for file in (made / "trust").glob("*.pem"):
        assert f"{digest(file)}  trust/{file.name}" in page
    assert "verified: redoubt 0.1.0" in good(call("verify", made, "--fingerprint", digits, "--arch", "x86_64"))
    other = call("verify", made, "--fingerprint", "0" * 64, "--arch", "x86_64")
    assert "which is not the one given; compare the paper" in other.stderr


def test_an_update_is_packed_rebuilt_and_verified(call: Call, made: Path, tmp_path: Path) -> None:
    sign(call, made)
    newer = build(call, tmp_path, "two", 8, "--previous", made)
    sign(call, newer)

    packed = json.loads(good(call("pack", newer, "--against", made, "--out", "carry", "--json")))
    good(call("unpack", packed["file"], "--against", made, "--out", "in"))

    folder = tmp_path / "in/redoubt-0.1.0-x86_64"
    assert "number 8" in good(call("verify", folder, "--trust", "trust/1.trust", "--arch", "x86_64", "--seq", 7))
    update = call("verify", packed["file"], "--trust", "trust/1.trust", "--arch", "x86_64", "--against", made)
    assert "number 8" in good(update)
    assert "docs/number.md" in good(call("diff", made, newer))


def test_an_older_bundle_than_was_seen_is_refused(call: Call, made: Path) -> None:
    sign(call, made)

    refused = call("verify", made, "--trust", "trust/1.trust", "--arch", "x86_64", "--seq", 8)

    assert "this has number 7; the site has seen 8" in refused.stderr


def test_a_ceremony_brings_a_signature_from_elsewhere(call: Call, made: Path) -> None:
    good(call("sign", made, "--id", "carol", "--export", "to-sign"))
    signature = read_key(Path("carol.key"), None).sign(Path("to-sign").read_bytes())
    Path("to-sign.sig").write_bytes(signature)

    assert "signed by carol" in good(call("sign", made, "--import", "carol", "to-sign.sig"))
    assert "REDOUBT: TO BE SIGNED" in Path("to-sign.card.txt").read_text()


def test_a_revoked_key_no_longer_counts(call: Call, made: Path) -> None:
    sign(call, made)
    good(call("keys", "make", "dave", "--out", "dave.key", "--no-passphrase"))
    good(call("trust", "rotate", "trust", "--remove", "bob", "--key", "dave.key.pub"))
    unsigned = call("trust", "show", "trust")
    for name in ("alice", "carol", "dave"):
        good(call("trust", "sign", "trust", "--id", name, "--key", f"{name}.key"))

    shown = json.loads(good(call("trust", "show", "trust", "--json")))
    refused = call("verify", made, "--trust", "trust/2.trust", "--arch", "x86_64")

    assert "it takes 2 distinct signers for `root`" in unsigned.stderr
    assert (shown["number"], sorted({one["id"] for one in shown["keys"]})) == (2, ["alice", "carol", "dave"])
    assert "`bob` has no p384 key in the trust file, but signed" in refused.stderr


def test_inspect_says_that_it_verifies_nothing(call: Call, made: Path) -> None:
    told = good(call("inspect", made))

    assert told.startswith("NOT VERIFIED")
    assert "signatures: none" in told
    assert json.loads(good(call("inspect", made, "--json")))["manifest"]["source"]["commit"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "."), "say what you trust"),
        (("sign", ".", "--id", "alice"), "say one of `--key`"),
        (("keys", "make", "alice", "--out", "a"), "a key is encrypted"),
        (("lock", "--fail-on", "moon"), "`moon` is no kind of finding"),
        (("trust", "make", "t", "--role", "root=two"), "is not of the form name=number"),
        (("inspect", "."), "`SHA256SUMS` cannot be read"),
    ],
)
def test_a_wrong_call_says_what_to_do(call: Call, words: tuple[str, ...], said: str) -> None:
    refused = call(*words)

    assert refused.exit_code in {1, 2}
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
