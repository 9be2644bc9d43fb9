"""Trust files: how the first is made, how the next follows, and what does not."""

from datetime import timedelta
from pathlib import Path

import pytest

from offline.chain import newest, pem
from offline.failure import Failure
from offline.keys import make_key
from offline.rules.refusal import Refused
from offline.rules.trust import Trust, fingerprint
from offline.signer import KeySigner, read_key
from offline.trusts import keys_of, latest, make, paper, rotate, sign_trust
from tests.fakes.bundle import ALICE, CREATED, EXPIRES, check

ROLES = {"root": 2, "app": 2}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Trust file 1 of alice, bob and carol."""
    for name in ("alice", "bob", "carol", "dave"):
        make_key("ed25519", name, tmp_path / name, None)
    keys = keys_of([str(tmp_path / f"{name}.pub") for name in ("alice", "bob", "carol")], ROLES)
    make(tmp_path / "trust", Trust("redoubt", 1, CREATED, EXPIRES, ROLES, tuple(keys)))
    return tmp_path / "trust"


def by(folder: Path, name: str) -> KeySigner:
    return read_key(folder.parent / name, None)


def follow(folder: Path, remove: str = "bob", add: str = "dave") -> None:
    added = [str(folder.parent / f"{add}.pub")]
    rotate(folder, CREATED + timedelta(days=1), EXPIRES, thresholds={}, add=added, remove=[remove])


def test_the_next_file_is_believed_when_enough_of_both_have_signed(folder: Path) -> None:
    follow(folder)
    for name in ("alice", "carol"):
        sign_trust(folder, name, by(folder, name), check)

    last = newest(folder, check)

    assert last.number == 2
    assert {key.id for key in last.keys} == {"alice", "carol", "dave"}


def test_new_holders_alone_do_not_make_a_link(folder: Path) -> None:
    follow(folder)
    for name in ("alice", "dave"):
        sign_trust(folder, name, by(folder, name), check)

    with pytest.raises(Refused, match="it takes 2 distinct signers for `root`; signed: alice"):
        newest(folder, check)


def test_a_signature_of_a_removed_holder_counts_for_the_old_file_only(folder: Path) -> None:
    follow(folder)
    for name in ("alice", "bob"):
        sign_trust(folder, name, by(folder, name), check)

    with pytest.raises(Refused, match="it takes 2 distinct signers"):
        newest(folder, check)
    sign_trust(folder, "dave", by(folder, "dave"), check)
    assert newest(folder, check).number == 2


def test_a_key_of_somebody_else_signs_no_trust_file(folder: Path) -> None:
    follow(folder)

    with pytest.raises(Failure, match="no ed25519 root key of `alice`"):
        sign_trust(folder, "alice", by(folder, "bob"), check)


def test_nobody_signs_the_first_file(folder: Path) -> None:
    with pytest.raises(Failure, match="believed by its fingerprint on paper"):
        sign_trust(folder, "alice", by(folder, "alice"), check)


def test_a_first_file_is_never_written_over(folder: Path) -> None:
    with pytest.raises(Failure, match="holds a trust file already"):
        make(folder, latest(folder))


def test_a_gap_in_the_chain_is_told(folder: Path) -> None:
    follow(folder)
    (folder / "2.trust").rename(folder / "3.trust")

    with pytest.raises(Failure, match="trust file 2 is missing, 3 is there"):
        newest(folder, check)


def test_a_rotation_that_leaves_too_few_is_refused_and_writes_nothing(folder: Path) -> None:
    with pytest.raises(Refused, match="fewer signers"):
        rotate(folder, CREATED, EXPIRES, thresholds={}, add=[], remove=["alice", "bob"])

    assert not (folder / "2.trust").exists()


@pytest.mark.parametrize(("told", "said"), [("moon:x.pub", "`moon` is no role"), ("x.pub", "cannot be read")])
def test_a_key_that_cannot_be_meant_is_refused(told: str, said: str) -> None:
    with pytest.raises((Failure, Refused), match=said):
        keys_of([told], ROLES)


def test_removing_somebody_who_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(Failure, match="names no `mallory`"):
        follow(folder, remove="mallory")


def test_the_paper_holds_the_fingerprint_and_who_it_takes(folder: Path) -> None:
    told = paper(latest(folder))

    digits = "".join(told.split("\n\n")[1].split())
    assert digits == fingerprint((folder / "1.trust").read_bytes()).replace(" ", "")
    assert "app: any 2 of alice, bob, carol" in told


def test_a_pem_of_ours_is_what_the_library_writes() -> None:
    assert pem(ALICE.key("app", "p384")) == ALICE.pem("p384")
