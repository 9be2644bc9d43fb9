"""START-HERE.txt as `redoubt bundle build` writes it: what it tells to type, typed, does what it promises."""

import re
import subprocess
from pathlib import Path

import pytest

from offline.page import facts, pem_name, render
from offline.rules.trust import fingerprint
from tests.fakes.bundle import ALICE, BOB, CAROL, Release, header, seal, trust
from tests.installer.verify_sh.program import NOW, SCRIPT

FORMS = {"ed25519": "Signature Verified Successfully", "p384": "Verified OK"}
SIGNED = [(one, form) for one in (ALICE, BOB) for form in FORMS]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    page = render(SCRIPT.with_name("START-HERE.txt").read_text(), facts(header(), "0" * 40, trust()))
    pems = {f"trust/{pem_name('app', one.id, form)}": one.pem(form) for one in (ALICE, BOB, CAROL) for form in FORMS}
    extra = {**pems, "START-HERE.txt": page.encode(), "verify.sh": SCRIPT.read_bytes()}
    return Release(extra=extra).write(tmp_path / "redoubt-0.1.0-x86_64", SIGNED)


def told(bundle: Path, begin: str) -> list[str]:
    """The commands of the page that begin so."""
    lines = (bundle / "START-HERE.txt").read_text().splitlines()
    return [line.strip() for line in lines if re.match(rf" {{7}}{begin}", line)]


def type_in(command: str, bundle: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], cwd=bundle, capture_output=True, text=True, check=False)


def test_the_page_names_the_keys_and_the_first_command_hashes_them_all(bundle: Path) -> None:
    page = (bundle / "START-HERE.txt").read_text()
    named = set(re.findall(r"^  (trust/\S+\.pem)$", page, re.MULTILINE))

    hashed = type_in(told(bundle, "sha256sum trust/")[0], bundle).stdout.splitlines()

    assert "@" not in page
    assert {line.split()[1] for line in hashed} == {"trust/1.trust", *named}
    assert hashed[0].split()[0] == fingerprint(str(trust()).encode()).replace(" ", "")
    assert len(named) == 6


@pytest.mark.parametrize("form", FORMS)
def test_the_command_for_one_signature_tells_right_from_wrong(form: str, bundle: Path) -> None:
    command = next(one for one in told(bundle, "openssl ") if f"{form}.sig" in one)
    right = [type_in(command.replace("NAME", name), bundle) for name in ("alice", "bob")]
    (bundle / "SHA256SUMS").write_bytes((bundle / "SHA256SUMS").read_bytes().replace(b"seq=7", b"seq=8"))
    wrong = type_in(command.replace("NAME", "alice"), bundle)

    assert FORMS[form] in (bundle / "START-HERE.txt").read_text()
    assert all(one.returncode == 0 and FORMS[form] in one.stdout for one in right)
    assert wrong.returncode != 0
    assert FORMS[form] not in wrong.stdout


def test_the_command_for_the_files_is_silent_until_one_differs(bundle: Path) -> None:
    command = told(bundle, "sha256sum --strict")[0]
    right = type_in(command, bundle)
    (bundle / "docs" / "operator-guide.md").write_text("changed")
    wrong = type_in(command, bundle)

    assert (right.returncode, right.stdout) == (0, "")
    assert (wrong.returncode, wrong.stdout) == (1, "docs/operator-guide.md: FAILED\n")


def test_the_mediums_own_verify_sh_says_what_the_page_promises(bundle: Path) -> None:
    paper = fingerprint(str(trust()).encode())  # in its groups, as it stands on paper
    command = told(bundle, "sh verify.sh")[0].replace("PAPER", paper) + f" --now {NOW}"
    promise = re.search(r"must begin with: +(.+)", (bundle / "START-HERE.txt").read_text())

    right = type_in(command, bundle)
    seal(bundle, header(), [(ALICE, "ed25519")])
    wrong = type_in(command, bundle)

    assert promise is not None
    assert right.stdout.splitlines()[-1].startswith(promise[1]), right.stderr
    assert (wrong.returncode, wrong.stderr.rstrip()[-11:]) == (1, "[threshold]")
