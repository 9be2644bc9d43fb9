"""verify.sh by itself: in every shell at hand, in hostile surroundings, on old and bare hosts."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from offline.rules.trust import fingerprint
from tests.fakes.bundle import ALICE, BOB, CAROL, MALLORY, Release, seal, sign, trust
from tests.installer.verify_sh.program import SCRIPT, fault, run
from tests.system.needs import need

SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    pems = {f"trust/app.{one.id}.{kind}.pem": one.pem(kind) for one in (ALICE, BOB) for kind in ("ed25519", "p384")}
    folder = Release(extra=pems).write(tmp_path / "bundle")
    sign(folder, ALICE, "p384")
    return folder


def without_rawin(tmp_path: Path) -> Path:
    """verify.sh where openssl is as old as 1.1.1, which knows no `-rawin`."""
    programs = tmp_path / "old"
    programs.mkdir()
    (programs / "openssl").write_text(
        '#!/bin/sh\nfor w; do [ "$w" != -rawin ] || exit 1; done\nexec /usr/bin/openssl "$@"\n'
    )
    (programs / "openssl").chmod(0o755)
    return with_programs(tmp_path, programs)


def with_programs(tmp_path: Path, programs: Path) -> Path:
    text = SCRIPT.read_text()
    script = tmp_path / "verify.sh"
    script.write_text(text.replace("PATH=/usr/bin:/bin", f"PATH={programs}:/usr/bin:/bin"))
    return script


def test_it_is_at_most_120_lines() -> None:
    assert len(SCRIPT.read_text().splitlines()) <= 120


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_verifies_and_refuses_alike(shell: str, bundle: Path) -> None:
    need(SHELLS[shell][0], shell)
    good = run(bundle, "--clean", shell=SHELLS[shell])
    (bundle / "docs" / "operator-guide.md").write_text("changed")
    bad = run(bundle, "--clean", shell=SHELLS[shell])

    assert (good.returncode, fault(good)) == (0, "verified"), good.stderr
    assert good.stdout.splitlines()[-1].startswith("verified: redoubt 0.1.0 for x86_64, number 7")
    assert (bad.returncode, fault(bad)) == (1, "hash")


def test_shellcheck_finds_no_error_and_no_warning() -> None:
    program = need("shellcheck", "shellcheck")
    ran = subprocess.run(
        [program, "-s", "sh", "-S", "warning", str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    "hostile",
    [
        {"PATH": "/nowhere", "IFS": "/", "CDPATH": "/:/tmp"},
        {"OPENSSL_CONF": "/nowhere/openssl.cnf", "OPENSSL_MODULES": "/nowhere", "TMPDIR": "/nowhere"},
        {"LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr", "POSIXLY_CORRECT": "1", "TZ": "Pacific/Kiritimati"},
        {"BASH_FUNC_openssl%%": "() { return 0; }", "BASH_FUNC_[%%": "() { return 0; }", "ENV": "/etc/shadow"},
    ],
    ids=["paths", "openssl", "locale", "functions"],
)
def test_a_hostile_environment_changes_no_answer(hostile: dict[str, str], bundle: Path) -> None:
    shell = ("/bin/bash", "--posix")
    good = run(bundle, shell=shell, environment=hostile)
    (bundle / "SHA256SUMS.alice.ed25519.sig").write_bytes(b"x" * 64)
    bad = run(bundle, shell=shell, environment=hostile)

    assert good.returncode == 0, good.stderr
    assert (bad.returncode, fault(bad)) == (1, "signature")


def test_an_openssl_that_says_yes_to_everything_is_told(bundle: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "openssl").write_text("#!/bin/sh\nexit 0\n")
    (programs / "openssl").chmod(0o755)

    ran = run(bundle, script=with_programs(tmp_path, programs))

    assert (ran.returncode, fault(ran)) == (1, "tool")


def test_an_old_openssl_counts_the_p384_signatures(bundle: Path, tmp_path: Path) -> None:
    ran = run(bundle, script=without_rawin(tmp_path))

    assert ran.returncode == 0, ran.stderr
    assert "this openssl has no Ed25519" in ran.stdout


def test_an_old_openssl_never_counts_what_it_cannot_check(bundle: Path, tmp_path: Path) -> None:
    (bundle / "SHA256SUMS.alice.p384.sig").unlink()

    ran = run(bundle, script=without_rawin(tmp_path))

    assert (ran.returncode, fault(ran)) == (1, "threshold")


@pytest.mark.parametrize("name", ["a b", "a\nb", "-rf", "*", "$(touch ran)", "`touch ran`", "a;b", "é", "..x", "[a]"])
def test_an_odd_name_is_refused_and_never_run(name: str, bundle: Path) -> None:
    (bundle / name).write_text("x")

    ran = run(bundle)

    assert (ran.returncode, fault(ran)) == (1, "name")
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.isascii()


def test_a_folder_with_an_odd_name_of_its_own_verifies(tmp_path: Path) -> None:
    folder = Release().write(tmp_path / "- a*b [c]'$x")

    assert run(folder).returncode == 0


def test_a_chain_of_trust_is_followed_from_the_paper(tmp_path: Path) -> None:
    first, second = trust(), replace(trust(ALICE, CAROL), number=2)
    content = str(second).encode()
    extra = {"trust/2.trust": content}
    extra |= {f"trust/2.trust.{one.id}.ed25519.sig": one.sign(content) for one in (ALICE, CAROL)}
    folder = Release(extra=extra).write(tmp_path / "b", by=((ALICE, "ed25519"), (CAROL, "ed25519")))

    ran = run(folder, paper=fingerprint(str(first).encode()))

    assert ran.returncode == 0, ran.stderr
    assert "trust file 2 follows" in ran.stdout
    seal(folder, Release().head, ((ALICE, "ed25519"), (BOB, "ed25519")))  # bob was revoked
    assert fault(run(folder)) == "signature"


def test_trust_from_outside_is_used_and_must_have_the_fingerprint(bundle: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.trust"
    mine.write_text(str(trust()))
    theirs = tmp_path / "theirs.trust"
    theirs.write_text(str(trust(MALLORY, BOB, CAROL)))

    assert run(bundle, "--trust", str(mine)).returncode == 0
    assert fault(run(bundle, "--trust", str(theirs))) == "trust"


@pytest.mark.parametrize(
    "words", [["--fingerprint"], ["--bogus"], ["--seq", "x"], ["--now", "today"], ["/nowhere"], []]
)
def test_what_cannot_be_tried_is_told_with_exit_code_2(words: list[str]) -> None:
    ran = subprocess.run(["sh", str(SCRIPT), *words], capture_output=True, text=True, check=False, cwd="/")

    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1


def test_help_ends_with_an_example() -> None:
    ran = subprocess.run(["sh", str(SCRIPT), "--help"], capture_output=True, text=True, check=False)

    assert ran.returncode == 0
    assert ran.stdout.splitlines()[-1].startswith("example: ")
