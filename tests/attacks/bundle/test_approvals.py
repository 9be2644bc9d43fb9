"""Approvals: exactly the one that was asked for, or none at all. docs/decisions/0009, "SHA256SUMS"."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from offline.rules.refusal import Fault, Refused
from offline.rules.release import SBOM, approval_line, check_approval, check_release
from offline.rules.sums import read_sums
from offline.rules.verify import verify
from tests.fakes.bundle import ALICE, BOB, CAROL, CREATED, EXPIRES, Holder, asked, check, header, seal, trust
from tests.installer.house import FINGERPRINT, installer, small
from tests.installer.verify_sh.program import fault, run

REVIEWER = CAROL.key("approval")


def approve(folder: Path, holder: Holder = CAROL, algorithm: str = "ed25519", name: str = "") -> Path:
    line = approval_line(read_sums((folder / "SHA256SUMS").read_bytes()).files[SBOM])
    file = folder / f"APPROVAL.{name or holder.id}.{algorithm}.sig"
    file.write_bytes(holder.sign(line, algorithm))
    return file


def test_the_approval_asked_for_passes(bundle: Path) -> None:
    approve(bundle)
    verified = verify(bundle, trust(), asked(), check)

    check_approval(bundle, verified.sums, REVIEWER, check)


def flip(file: Path) -> None:
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])


ATTACKS: dict[str, tuple[Callable[[Path], object], Fault]] = {
    "none": (lambda _: None, Fault.APPROVAL),
    "by the other key of the reviewer": (lambda folder: approve(folder, algorithm="p384"), Fault.APPROVAL),
    "by both keys of the reviewer": (
        lambda folder: (approve(folder), approve(folder, algorithm="p384")),
        Fault.APPROVAL,
    ),
    "by a stranger instead": (lambda folder: approve(folder, ALICE), Fault.APPROVAL),
    "by a stranger beside it": (lambda folder: (approve(folder), approve(folder, BOB)), Fault.APPROVAL),
    "by a stranger under the reviewer's name": (lambda folder: approve(folder, BOB, name="carol"), Fault.SIGNATURE),
    "with a bit flipped": (lambda folder: flip(approve(folder)), Fault.SIGNATURE),
    "that is a link": (lambda folder: approve(folder).rename(folder / "real"), Fault.APPROVAL),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_approval_that_is_not_exactly_the_one_asked_for_is_refused(name: str, bundle: Path) -> None:
    attack, expected = ATTACKS[name]
    attack(bundle)
    sums = read_sums((bundle / "SHA256SUMS").read_bytes())

    with pytest.raises(Refused) as why:
        check_approval(bundle, sums, REVIEWER, check)

    assert why.value.fault is expected, why.value


def test_an_approval_is_no_signature_whoever_signed_it(bundle: Path) -> None:
    seal(bundle, header(), [(ALICE, "ed25519")])
    approve(bundle, BOB)

    with pytest.raises(Refused) as why:
        verify(bundle, trust(), asked(), check)

    assert why.value.fault is Fault.THRESHOLD
    assert fault(run(bundle)) == "threshold"


def test_an_approval_nobody_can_judge_changes_no_answer_of_those_without_the_key(bundle: Path) -> None:
    before = verify(bundle, trust(), asked(), check)
    approve(bundle).write_bytes(b"never looked at")

    assert verify(bundle, trust(), asked(), check) == before
    assert check_release(bundle, before.sums).version == "0.1.0"
    assert fault(run(bundle)) == "verified"


@pytest.mark.parametrize("channel", ["advisories", "models"])
def test_a_folder_without_an_sbom_has_nothing_to_approve(channel: str, tmp_path: Path) -> None:
    (tmp_path / "content.json").write_text("{}\n")
    seal(tmp_path, replace(header(channel), arch="any", created=CREATED, expires=EXPIRES))
    verify(tmp_path, trust(), asked(channel), check)
    (tmp_path / "APPROVAL.carol.ed25519.sig").write_bytes(CAROL.sign(b"anything"))

    with pytest.raises(Refused) as why:
        verify(tmp_path, trust(), asked(channel), check)

    assert why.value.fault is Fault.APPROVAL


def test_the_installer_keeps_no_approval_that_it_cannot_judge(tmp_path: Path) -> None:
    medium, prefix = small().write(tmp_path / "medium"), tmp_path / "site"
    approve(medium)

    ran = installer(medium, "install", str(medium), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial")

    assert (ran.returncode, "[approval]" in ran.stderr) == (1, True), ran.stderr
    assert not (prefix / "current").exists()
