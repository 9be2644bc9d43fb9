"""The clock of verify.sh: judged with what the site knows already, and as the rules judge it."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from offline.rules.moments import write_moment
from offline.rules.refusal import Refused
from offline.rules.verify import Asked, check_trust_time, verify
from tests.fakes.bundle import CREATED, EXPIRES, NOW, Release, asked, check, trust
from tests.installer.verify_sh.program import fault, run

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
TRUST_ENDS = trust().expires
MOMENTS: dict[str, tuple[datetime, datetime, str]] = {  # the clock, the newest moment known, the answer
    "nothing known": (NOW, CREATED, "verified"),
    "the clock is a day behind what is known": (NOW, NOW + DAY, "verified"),
    "the clock is more than a day behind what is known": (NOW, NOW + DAY + SECOND, "clock"),
    "the clock is a day behind what was signed": (CREATED - DAY, CREATED - DAY, "verified"),
    "the clock is more than a day behind what was signed": (CREATED - DAY - SECOND, CREATED - DAY, "clock"),
    "the last second": (EXPIRES, EXPIRES, "verified"),
    "expired by the clock": (EXPIRES + SECOND, CREATED, "expired"),
    "expired by what is known": (EXPIRES, EXPIRES + SECOND, "expired"),
    "a dead battery": (datetime(1970, 1, 1, tzinfo=NOW.tzinfo), EXPIRES + SECOND, "clock"),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Release().write(tmp_path_factory.mktemp("clock") / "bundle")


def by_rules(folder: Path, for_: Asked) -> str:
    try:
        check_trust_time(trust(), for_)
        verify(folder, trust(), for_, check)
    except Refused as refused:
        return str(refused.fault)
    return "verified"


def both(folder: Path, now: datetime, known: datetime, *words: str) -> tuple[str, str]:
    for_ = replace(
        asked(),
        now=now,
        known=known,
        accept_expired="--accept-expired" in words,
        accept_clock="--accept-clock" in words,
    )
    script = run(folder, "--known", write_moment(known), *words, now=write_moment(now))
    return by_rules(folder, for_), fault(script)


@pytest.mark.parametrize("name", MOMENTS)
def test_verify_sh_and_the_rules_judge_the_clock_alike(name: str, bundle: Path) -> None:
    now, known, answer = MOMENTS[name]

    assert both(bundle, now, known) == (answer, answer)


@pytest.mark.parametrize(
    ("now", "known", "word", "answer"),
    [
        (CREATED, EXPIRES + SECOND, "--accept-clock", "expired"),
        (EXPIRES, EXPIRES + SECOND, "--accept-expired", "verified"),
        (CREATED, EXPIRES + SECOND, "--accept-expired", "clock"),
        (TRUST_ENDS - DAY, TRUST_ENDS + SECOND, "--accept-clock", "expired"),
    ],
)
def test_one_word_overrules_one_refusal(now: datetime, known: datetime, word: str, answer: str, bundle: Path) -> None:
    assert both(bundle, now, known, word) == (answer, answer)


def test_a_moment_known_that_is_none_is_told_with_exit_code_2(bundle: Path) -> None:
    ran = run(bundle, "--known", "yesterday")

    assert (ran.returncode, "`--known`" in ran.stderr) == (2, True)
