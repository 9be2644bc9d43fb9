"""Attacks on whom a site believes: each through the rules and through verify.sh."""

from dataclasses import replace
from pathlib import Path

import pytest

from installer import trusting
from installer.layout import within
from offline.rules.refusal import Fault, Refused
from offline.rules.trust import Key, Trust, fingerprint, read_trust
from offline.rules.verify import follow, verify
from tests.fakes.bundle import ALICE, BOB, CAROL, MALLORY, Holder, Release, asked, check, trust
from tests.installer.verify_sh.program import fault, run

DAVE = Holder("dave")
FORMS = ("ed25519", "p384")


def keys(role: str, *holders: Holder) -> tuple[Key, ...]:
    return tuple(one.key(role, form) for one in holders for form in FORMS)


def of(*every: Key, app: int = 2) -> Trust:
    return replace(trust(), thresholds={"root": 2, "app": app, "models": 1}, keys=tuple(sorted(every)))


def both(folder: Path, by: Trust) -> tuple[str, str]:
    """What the rules say, and what verify.sh says."""
    script = fault(run(folder))
    try:
        verify(folder, by, asked(), check)
    except Refused as refused:
        return str(refused.fault), script
    return "verified", script


def test_a_key_that_signs_another_channel_does_not_count_here(tmp_path: Path) -> None:
    by = of(*keys("root", ALICE, BOB), *keys("app", ALICE, BOB, CAROL), *keys("models", DAVE))
    folder = Release(trust=by).write(tmp_path / "b", [(ALICE, "ed25519"), (DAVE, "p384")])
    above = Release(trust=by).write(tmp_path / "c", [(ALICE, "ed25519"), (BOB, "p384"), (DAVE, "ed25519")])

    assert both(folder, by) == ("signature", "signature")
    assert both(above, by) == ("signature", "signature")


def test_one_of_three_is_enough_only_where_the_trust_file_on_the_paper_says_so(tmp_path: Path) -> None:
    lax = of(*keys("root", ALICE, BOB), *keys("app", ALICE, BOB, CAROL), *keys("models", DAVE), app=1)
    folder = Release(trust=lax).write(tmp_path / "b", [(ALICE, "ed25519")])
    strict = replace(lax, thresholds={**lax.thresholds, "app": 2})
    paper = fingerprint(str(strict).encode())

    assert both(folder, lax) == ("verified", "verified")
    assert fault(run(folder, paper=paper)) == "trust"
    with pytest.raises(Refused, match="2 distinct"):
        verify(folder, strict, asked(), check)


def lines(*at: int) -> str:
    """The trust file with its lines in that order."""
    every = str(trust()).splitlines(keepends=True)
    return "".join(every[one] for one in at)


SAME = ALICE.spki("ed25519")
TRUSTS: dict[str, str] = {
    "one key under two ids": str(
        replace(trust(), keys=tuple(sorted([*trust(ALICE, BOB).keys, Key("app", "carol", "ed25519", SAME)])))
    ),
    "one line twice": lines(0, 1, *range(1, 25)),
    "two keys of one kind for one id": str(
        replace(trust(), keys=tuple(sorted([*trust().keys, Key("app", "alice", "ed25519", MALLORY.spki("ed25519"))])))
    ),
    "fewer ids than it takes": str(trust(ALICE)),
    "no threshold for a role with keys": str(trust()).replace(" app=2", "", 1),
    "a threshold of none": str(trust()).replace(" app=2", " app=0", 1),
    "two thresholds for one role": str(trust()).replace(" app=2", " app=1 app=2", 1),
    "a role nobody knows": str(trust()).replace(" models=2", " modelz=2", 1),
    "out of order": lines(0, *range(24, 0, -1)),
    "a space more": str(trust()).replace("app alice ed25519 ", "app alice  ed25519 ", 1),
    "a comment more": str(trust()) + "# app mallory\n",
}


@pytest.mark.parametrize("name", TRUSTS)
def test_a_trust_file_that_is_not_sound_is_refused_although_the_paper_names_it(name: str, tmp_path: Path) -> None:
    content = TRUSTS[name].encode()
    folder = Release(extra={"trust/1.trust": content}).write(tmp_path / "b")

    assert fault(run(folder)) == "trust"
    with pytest.raises(Refused) as why:
        read_trust(content)
    assert why.value.fault is Fault.TRUST


def test_a_trust_file_of_a_sites_own_is_no_trust_for_a_release(tmp_path: Path) -> None:
    folder = Release(trust=trust(product="redoubt-site")).write(tmp_path / "b")

    assert fault(run(folder)) == "trust"


def test_a_replayed_older_trust_file_is_not_followed_back(tmp_path: Path) -> None:
    second = replace(trust(ALICE, CAROL), number=2)
    site = within(tmp_path / "site")
    trusting.keep(site.trust, [str(trust()).encode(), str(second).encode()])
    medium = Release().write(tmp_path / "b")  # of before: bob was revoked, and only 1.trust came along

    now, new = trusting.believed(site.trust, medium / "trust", "", "", check)

    assert (now.number, new, follow(second, medium / "trust", check)) == (2, [], [])
    with pytest.raises(Refused) as why:
        verify(medium, now, asked(), check)
    assert why.value.fault is Fault.SIGNATURE


def test_another_trust_file_of_a_number_the_site_knows_is_never_read(tmp_path: Path) -> None:
    second = replace(trust(ALICE, CAROL), number=2)
    site = within(tmp_path / "site")
    trusting.keep(site.trust, [str(trust()).encode(), str(second).encode()])
    twin = str(replace(trust(MALLORY, BOB, ALICE), number=2)).encode()
    extra = {"trust/2.trust": twin}
    extra |= {f"trust/2.trust.{one.id}.ed25519.sig": one.sign(twin) for one in (ALICE, BOB)}
    medium = Release(extra=extra).write(tmp_path / "b", [(ALICE, "ed25519"), (MALLORY, "ed25519")])

    now, new = trusting.believed(site.trust, medium / "trust", "", "", check)

    assert (str(now), new) == (str(second), [])
    with pytest.raises(Refused):
        verify(medium, now, asked(), check)


def test_a_fingerprint_of_another_beginning_is_refused_on_a_site_that_believes_already(tmp_path: Path) -> None:
    site = within(tmp_path / "site")
    trusting.keep(site.trust, [str(trust()).encode()])
    theirs = trust(MALLORY, BOB, CAROL)
    medium = Release(trust=theirs).write(tmp_path / "b", [(MALLORY, "ed25519"), (BOB, "ed25519")])

    with pytest.raises(Refused, match="began with"):
        trusting.believed(site.trust, medium / "trust", "", fingerprint(str(theirs).encode()), check)
