"""The mutation law: whatever was changed on a medium after signing, it is refused, and nothing of it has run.

Exactly two ids signed, so that a signature lost is a threshold missed. Seeded; the seed is printed with a failure, and
with `--long` there are 2,000 mutants of a new seed.
"""

import random
import secrets
import shutil
from pathlib import Path

import pytest

from offline.rules.openssl import Check, OpenSSL
from offline.rules.refusal import Refused
from offline.rules.release import check_release
from offline.rules.verify import verify
from tests.attacks.bundle.mutations import INSTALLERS_OWN, MUTATIONS
from tests.fakes.bundle import asked, check, trust
from tests.installer.verify_sh.program import fault, run

SHORT, LONG = 120, 2000
SECOND_OPINION = 9  # every so many mutants go through the real openssl and through verify.sh too


def survives(folder: Path, by: Check) -> bool:
    """Whether the rules would let it be installed."""
    try:
        check_release(folder, verify(folder, trust(), asked(), by).sums)
    except Refused:
        return False
    return True


def what_changed(before: Path, after: Path) -> set[str]:
    def contents(folder: Path) -> dict[str, object]:
        return {
            str(one.relative_to(folder)): (one.lstat().st_mode, one.read_bytes() if one.is_file() else None)
            for one in folder.rglob("*")
        }

    old, new = contents(before), contents(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


@pytest.mark.timeout(3600)
def test_no_mutant_of_a_signed_bundle_is_accepted(pristine: Path, tmp_path: Path, *, long_run: bool) -> None:
    seed = secrets.randbits(64) if long_run else 20261122
    chance = random.Random(seed)
    print(f"seed {seed}")
    escaped: list[str] = []
    for number in range(LONG if long_run else SHORT):
        folder = Path(shutil.copytree(pristine, tmp_path / str(number)))
        mutation = MUTATIONS[number % len(MUTATIONS)]
        mutation(folder, chance)
        assert what_changed(pristine, folder), f"seed {seed}: {number} {mutation.__name__} changed nothing"
        second = number % SECOND_OPINION == 0
        if survives(folder, OpenSSL() if second else check):
            escaped.append(f"{number} {mutation.__name__}: the rules accept it")
        elif second and fault(run(folder)) == "verified":
            changed = what_changed(pristine, folder)
            if not all(name.endswith(INSTALLERS_OWN) for name in changed):
                escaped.append(f"{number} {mutation.__name__}: verify.sh accepts it: {changed}")
        shutil.rmtree(folder)

    assert escaped == [], f"seed {seed}"


def test_the_bundle_that_is_mutated_is_accepted_as_it_is(pristine: Path) -> None:
    assert survives(pristine, OpenSSL())
    assert fault(run(pristine)) == "verified"
