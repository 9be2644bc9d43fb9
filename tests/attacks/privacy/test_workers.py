"""Faults of workers and texts made to hurt: nothing passes unmasked, nothing hangs, nothing is told."""

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.domain.errors import RedactionUnavailable, Unable
from appliance.domain.privacy import Analysis, Entity, SitePattern
from appliance.redaction import wire
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment
from tests.fakes.ner_model import GERMANS, write
from tests.fakes.privacy_worker import MARK, command

TYPES = ("CREDIT_CARD", "DATE_TIME", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "LOCATION", "PERSON", "US_SSN", "UUID")
ALL = Analysis(entities=tuple(Entity(name) for name in TYPES))
CANARY = "Zacharias-Canary"
LONG = 60.0
KB = 1024


@asynccontextmanager
async def pool(*arguments: str, before: str = "pass", **settings: Any) -> AsyncIterator[PooledAnalyser]:
    told = PoolSettings(**{"wait_s": LONG, "deadline_s": LONG, "workers": 1, **settings})
    async with PooledAnalyser(told, command("real", *arguments, before=before), environment()) as made:
        yield made


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 -- a process ends when it ends
        await asyncio.sleep(0.01)


async def test_killing_workers_under_load_gives_right_answers_or_typed_errors() -> None:
    async with pool(workers=2) as analyser:
        await until(lambda: len(analyser.pids) == 2)
        right = refused = 0
        for number in range(120):
            if number in {40, 80}:
                os.kill(analyser.pids[0], signal.SIGKILL)
            texts = [f"{number}: {MARK} wrote from 10.0.0.{at}" for at in range(3)]
            try:
                found = await analyser.find(ALL, texts)
            except RedactionUnavailable:
                refused += 1
                continue
            right += 1
            assert [[one.entity for one in each] for each in found] == [["PERSON", "IP_ADDRESS"]] * 3

        assert refused <= 2
        assert right >= 118
        await until(lambda: len(analyser.pids) == 2)


async def test_a_recogniser_that_hangs_costs_its_own_request_only() -> None:
    async with pool(workers=2, deadline_s=1.0) as analyser:
        await until(lambda: len(analyser.pids) == 2)
        hung = asyncio.create_task(analyser.find(ALL, ["HANG"]))
        await asyncio.sleep(0)

        for number in range(10):
            assert await analyser.find(ALL, [f"{number} {MARK}"])
        with pytest.raises(RedactionUnavailable, match="could not be analysed within"):
            await hung


async def test_a_recogniser_that_fails_tells_its_error_and_nothing_of_the_text(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with pool() as analyser:
        with pytest.raises(RedactionUnavailable) as failed:
            await analyser.find(ALL, [f"RAISE {CANARY}"])
        await analyser.find(ALL, [f"PRINT {CANARY} DE00 0000 0000 {CANARY}"])
        before = analyser.pids

        assert str(failed.value) == "privacy: a recogniser failed with ValueError"
        assert failed.value.__cause__ is None
        assert await analyser.find(ALL, [MARK])
        assert analyser.pids == before
    assert CANARY not in caplog.text + "".join(capfd.readouterr())


ADVERSARIAL = {
    "dots": "." * (64 * KB),
    "digits": "1" * (64 * KB),
    "digit groups": "1234 5678 " * (6 * KB),
    "a.": "a." * (32 * KB),
    "at signs": "a@" * (32 * KB),
    "nested JSON": '{"a":[' * (10 * KB),
    "half placeholders": "[PERSON_" * (8 * KB),
    "colons": "a:" * (32 * KB),
    "dashes": "1-" * (32 * KB),
    "one word": "é" * (64 * KB),
    "new lines": "\n" * (64 * KB),
    "IBAN starts": "DE89 " * (12 * KB),
    "fences": "```\n" * (16 * KB),
}


async def test_texts_made_to_hurt_end_in_an_answer_or_a_typed_error(tmp_path: Path) -> None:
    digest = write(tmp_path / "model")
    async with pool(str(tmp_path / "model"), digest, deadline_s=20.0) as analyser:
        for name, text in ADVERSARIAL.items():
            (told,) = await asyncio.gather(analyser.find(ALL, [text]), return_exceptions=True)

            if isinstance(told, BaseException):
                assert isinstance(told, RedactionUnavailable), name
            else:
                assert all(0 <= one.start < one.end <= len(text) for one in told[0]), name
            assert await analyser.find(ALL, [f"{name} {MARK}"]) != [()]


@pytest.mark.parametrize("fault", ["no such folder", "another digest"])
async def test_a_model_that_is_not_the_named_one_is_refused_and_nothing_is_analysed(fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    digest = write(folder)
    arguments = {"no such folder": (str(tmp_path / "none"), digest), "another digest": (str(folder), "0" * 64)}[fault]

    async with pool(*arguments) as analyser:
        with pytest.raises(RedactionUnavailable, match="model `"):
            await until_refused(analyser)
        assert not analyser.ready


async def until_refused(analyser: PooledAnalyser) -> None:
    """The first request may still wait for a worker that starts; it is given up, and asked again."""
    while True:
        asked = asyncio.create_task(analyser.find(ALL, [MARK]))
        await asyncio.wait([asked], timeout=0.05)
        if asked.done():
            await asked
            raise AssertionError("it was analysed")
        asked.cancel()


async def test_the_named_model_answers_and_says_its_name(tmp_path: Path) -> None:
    digest = write(tmp_path / "model")
    async with pool(str(tmp_path / "model"), digest) as analyser:
        ((found,),) = await analyser.find(ALL, ["Tom Baker waits"])

        assert (found.start, found.end, found.entity) == (0, 9, "PERSON")
        assert analyser.model == f"rules-0.0.1@{digest[:12]}"


@pytest.mark.parametrize("languages", [("en",), ("fr",), ("de", "fr")])
async def test_names_in_a_language_without_a_model_are_refused_and_never_passed(
    languages: tuple[str, ...], tmp_path: Path
) -> None:
    digest = write(tmp_path / "model", "de", GERMANS)
    async with pool(str(tmp_path / "model"), digest) as analyser:
        with pytest.raises(RedactionUnavailable, match="no language model for it is in use"):
            await analyser.find(msgspec.structs.replace(ALL, languages=languages), ["Tom Baker waits"])


async def test_a_name_that_no_model_has_a_label_for_is_refused_and_never_passed(tmp_path: Path) -> None:
    digest = write(tmp_path / "model", "de", GERMANS)
    asked = msgspec.structs.replace(ALL, entities=(*ALL.entities, Entity("NRP")), languages=("de",))
    async with pool(str(tmp_path / "model"), digest) as analyser:
        with pytest.raises(RedactionUnavailable, match=r"asks for NRP in `de`.* set NRP to `allow`") as refused:
            await analyser.find(asked, ["Tom Baker waits"])

        assert refused.value.why is Unable.ANALYSIS


async def test_two_models_answer_for_their_languages_and_say_their_names(tmp_path: Path) -> None:
    english, german = write(tmp_path / "en"), write(tmp_path / "de", "de", GERMANS)
    async with pool(str(tmp_path / "en"), english, str(tmp_path / "de"), german) as analyser:
        asked = msgspec.structs.replace(ALL, languages=("de", "en"))
        ((one, other),) = await analyser.find(asked, ["Tom Baker, Jürgen Klopfer"])

        assert (one.start, one.end, other.start, other.end) == (0, 9, 11, 25)
        assert analyser.model == f"rules-0.0.1@{english[:12]} + rules-0.0.1@{german[:12]}"


WATCHED = (
    "import os; sys.addaudithook(lambda event, _: os._exit(66) if event in "
    "('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'socket.sendto', 'subprocess.Popen') else None)"
)


async def test_nothing_is_dialled_looked_up_or_started_while_loading_and_analysing(tmp_path: Path) -> None:
    digest = write(tmp_path / "model")
    text = f"{MARK}: tom@example.co.uk, tom@mail.corp, intra.example.com/x, +49 30 901820, DE89370400440532013000"
    async with pool(str(tmp_path / "model"), digest, before=WATCHED) as analyser:
        (found,) = await analyser.find(ALL, [text])

        assert {"PERSON", "EMAIL_ADDRESS", "IBAN_CODE"} <= {one.entity for one in found}
        assert analyser.replaced == 0


async def test_a_worker_runs_where_memory_is_never_both_written_and_run_and_nothing_can_be_written(
    tmp_path: Path,
) -> None:
    """As in the systemd unit: MemoryDenyWriteExecute (prctl(2) PR_SET_MDWE, Linux 6.3), and no file grows."""
    digest = write(tmp_path / "model")
    confined = "import ctypes; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)"
    async with pool(str(tmp_path / "model"), digest, before=confined) as analyser:
        assert await analyser.find(ALL, [f"{MARK} and Tom Baker"])


async def test_a_worker_has_no_environment_but_its_own_and_one_thread() -> None:
    async with pool() as analyser:
        await analyser.find(ALL, [MARK])
        (pid,) = analyser.pids
        told = read(f"/proc/{pid}/environ").split("\0")
        status, limits = read(f"/proc/{pid}/status"), read(f"/proc/{pid}/limits")

        assert {one.partition("=")[0] for one in told if one} == set(environment())
        assert "Threads:\t1\n" in status
        assert os.getpgid(pid) == pid
        assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]


async def test_the_kernel_takes_a_worker_before_its_gateway_when_memory_runs_out() -> None:
    async with pool() as analyser:
        await analyser.find(ALL, [MARK])
        (pid,) = analyser.pids

        assert int(read(f"/proc/{pid}/oom_score_adj")) == max(500, int(read("/proc/self/oom_score_adj")))


async def test_a_worker_that_was_to_go_first_of_all_still_is() -> None:
    async with pool(before="open('/proc/self/oom_score_adj', 'w').write('900')") as analyser:
        await analyser.find(ALL, [MARK])
        (pid,) = analyser.pids

        assert read(f"/proc/{pid}/oom_score_adj") == "900\n"


def read(path: str) -> str:
    return Path(path).read_text()


def started() -> subprocess.Popen[bytes]:
    """A worker without a gateway."""
    return subprocess.Popen(
        command("real"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )


def ask(worker: subprocess.Popen[bytes], *messages: wire.Asked) -> None:
    assert worker.stdin
    assert worker.stdout
    assert worker.stdout.read(wire.PREFIX)
    worker.stdin.write(b"".join(map(wire.framed, messages)))
    worker.stdin.flush()


def test_a_worker_that_waits_ends_with_its_gateway() -> None:
    with started() as worker:
        ask(worker)
        assert worker.stdin
        worker.stdin.close()

        assert worker.wait(LONG) == 0


def test_a_worker_that_hangs_ends_itself_when_nobody_is_left_to_end_it() -> None:
    with started() as worker:
        ask(worker, wire.Define("d", ALL), wire.Task(1, "d", ["HANG"], 0.1))

        assert worker.wait(LONG) == -signal.SIGALRM


@pytest.mark.parametrize(
    "said", [b"\0\0\0\5hello", b"\xff\xff\xff\xff", b"\0\0\0\0", wire.framed(wire.Task(1, "?", [], 1))]
)
def test_a_worker_that_is_told_nonsense_ends(said: bytes) -> None:
    with started() as worker:
        ask(worker)
        assert worker.stdin
        worker.stdin.write(said)
        worker.stdin.flush()

        assert worker.wait(LONG) == 2


@pytest.mark.long
async def test_memory_stays_where_it_was_over_novel_words(tmp_path: Path) -> None:
    digest = write(tmp_path / "model")
    async with pool(str(tmp_path / "model"), digest, cache_entries=10) as analyser:

        def resident() -> int:
            return int(Path(f"/proc/{analyser.pids[0]}/statm").read_text().split()[1]) * 4096

        async def some(first: int, count: int) -> None:
            for number in range(first, first + count):
                await analyser.find(ALL, [" ".join(f"w{number}x{at}" for at in range(20))])

        await some(0, 2_000)
        before = resident()
        await some(2_000, 20_000)

        assert resident() - before < 25 * 2**20
        assert analyser.replaced == 0


async def test_the_worker_of_this_checkout_finds_what_presidio_would_look_up_or_drop() -> None:
    text = "Ask bob@mail.corp or +49 30 901820, see https://intra.corp/x"
    asked = Analysis(entities=(Entity("EMAIL_ADDRESS"), Entity("PHONE_NUMBER"), Entity("URL")))
    settings = PoolSettings(workers=1, wait_s=LONG, deadline_s=LONG)
    async with PooledAnalyser(settings, command("shipped", before=WATCHED), environment()) as analyser:
        (found,) = await analyser.find(asked, [text])

        assert [text[one.start : one.end] for one in found] == [
            "bob@mail.corp",
            "+49 30 901820",
            "https://intra.corp/x",
        ]


async def test_an_analysis_that_cannot_be_done_is_refused_in_words_and_costs_no_worker() -> None:
    wrong = Analysis(entities=(Entity("BADGE"),), patterns=(SitePattern(entity=Entity("BADGE"), pattern="(?=x)"),))
    settings = PoolSettings(workers=1, wait_s=LONG, deadline_s=LONG)
    async with PooledAnalyser(settings, command("shipped"), environment()) as analyser:
        for _ in range(2):
            with pytest.raises(RedactionUnavailable, match="RE2 has no look-around"):
                await analyser.find(wrong, ["hello"])

        assert analyser.replaced == 0
