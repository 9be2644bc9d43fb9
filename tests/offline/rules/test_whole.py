"""A bundle that is right passes every rule, through the host's openssl and through a second implementation."""

from dataclasses import replace
from pathlib import Path

import pytest

from offline.rules.manifest import Model
from offline.rules.openssl import Check, OpenSSL
from offline.rules.refusal import Fault, Refused
from offline.rules.release import check_approval, check_release
from offline.rules.trust import fingerprint
from offline.rules.verify import first_trust, follow, verify
from tests.fakes.bundle import ALICE, BOB, CAROL, MALLORY, Release, asked, check, sign, trust

FORMS = ((ALICE, "ed25519"), (BOB, "p384"), (ALICE, "minisig"), (BOB, "dsse"))


@pytest.mark.parametrize("by", [check, OpenSSL()], ids=["cryptography", "openssl"])
def test_a_whole_release_passes(tmp_path: Path, by: Check) -> None:
    folder = Release().write(tmp_path / "bundle", FORMS)

    verified = verify(folder, trust(), asked(), by)
    manifest = check_release(folder, verified.sums)

    assert verified.by == {"alice", "bob"}
    assert [wheel.name for wheel in manifest.wheels] == ["alpha", "beta", "gamma", "redoubt-gateway"]


def test_a_model_that_is_not_the_manifests_is_refused(tmp_path: Path) -> None:
    model = Model(name="names", version="1.0", file="models/names/1.0/m", sha256="0" * 64, licence="MIT")
    folder = replace(Release(models=(model,)), extra={model.file: b"another"}).write(tmp_path / "bundle")
    verified = verify(folder, trust(), asked(), check)

    with pytest.raises(Refused, match=r"`models/names/1\.0/m` is not the model that manifest\.json names"):
        check_release(folder, verified.sums)


def test_one_person_with_two_keys_is_one_signer(tmp_path: Path) -> None:
    folder = Release().write(tmp_path / "bundle", ((ALICE, "ed25519"), (ALICE, "p384")))

    with pytest.raises(Refused) as refused:
        verify(folder, trust(), asked(), check)

    assert refused.value.fault is Fault.THRESHOLD


def test_a_wrong_signature_refuses_although_enough_others_are_right(tmp_path: Path) -> None:
    folder = Release().write(tmp_path / "bundle")
    sign(folder, CAROL, "ed25519").write_bytes(b"x" * 64)

    with pytest.raises(Refused) as refused:
        verify(folder, trust(), asked(), check)

    assert refused.value.fault is Fault.SIGNATURE


def test_a_site_that_knows_the_first_trust_follows_to_the_newest(tmp_path: Path) -> None:
    second = replace(trust(BOB, CAROL, MALLORY), number=2)
    (tmp_path / "2.trust").write_text(str(second))
    for holder in (BOB, CAROL):
        (tmp_path / f"2.trust.{holder.id}.ed25519.sig").write_bytes(holder.sign(str(second).encode()))
    content = str(trust()).encode()

    start = first_trust(content, fingerprint(content).upper())

    assert follow(start, tmp_path, check) == [str(second).encode()]


def test_a_trust_signed_by_too_few_of_the_old_is_not_followed(tmp_path: Path) -> None:
    second = replace(trust(CAROL, MALLORY), number=2)
    (tmp_path / "2.trust").write_text(str(second))
    for holder in (CAROL, MALLORY):
        (tmp_path / f"2.trust.{holder.id}.ed25519.sig").write_bytes(holder.sign(str(second).encode()))

    with pytest.raises(Refused) as refused:
        follow(trust(), tmp_path, check)

    assert refused.value.fault is Fault.THRESHOLD


def test_a_reviewers_approval_is_asked_for_by_key(tmp_path: Path) -> None:
    folder = Release().write(tmp_path / "bundle")
    verified = verify(folder, trust(), asked(), check)

    with pytest.raises(Refused) as refused:
        check_approval(folder, verified.sums, MALLORY.key("approval"), check)

    assert refused.value.fault is Fault.APPROVAL
