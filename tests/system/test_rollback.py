"""The law of upgrade and rollback, with real releases as real processes: rows are kept, and totals stay equal."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from appliance.store import rollup
from appliance.store.row import stored
from tests.appliance.store.sites import a_row
from tests.e2e.asking import ask, chat, streaming
from tests.e2e.gateway import model
from tests.e2e.process import simulated
from tests.e2e.site import Site
from tests.system.house import House
from tests.system.releases import NARROWER, Release, later_release, this_release

SUMS = ("requests", "failed", "prompt", "completion", "cost_micros")
NEXT, AFTER = "9.1.0", "9.2.0"  # later than this release, whatever it is called
FILLED, FILLED_LONG = 30_000, 1_000_000  # rows that an index has to be made of


@pytest.fixture(scope="module")
def now() -> Release:
    return this_release()


@pytest.fixture(scope="module")
def next_(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return later_release(tmp_path_factory.mktemp("releases") / "next", NEXT)


@pytest.fixture(scope="module")
def after(next_: Release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """One that the first cannot be rolled back to from."""
    return later_release(tmp_path_factory.mktemp("releases") / "after", AFTER, step=NARROWER, base=next_)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulated("vllm", tmp_path_factory.mktemp("server") / "log", "--model", "tiny") as url:
        yield url


@pytest.fixture
def house(now: Release, server: str, tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, now, models=[model("m", server)]) as house:
        yield house


def used(site: Site, house: House, times: int) -> set[str]:
    """Requests that were answered, whole and streamed; their ids."""
    ids = set()
    for _ in range(times):
        answer = ask(site, house.key, chat("m"))
        assert answer.status_code == 200, answer.text
        ids.add(answer.headers["x-request-id"])
    with streaming(site, house.key, "m", 8) as stream:
        assert list(stream.rest())[-1] == "[DONE]"
        ids.add(stream.request_id)
    return ids


def served_by(house: House, release: Release, times: int) -> set[str]:
    """Start a release, look whether it is the one that serves, use it, stop it."""
    site = house.start(release)
    smoked = house.verb(release, "smoke", "--expect", release.version)
    assert (smoked["fit"], smoked["running"]["version"]) == (True, release.version)
    ids = used(site, house, times)
    house.stop()
    return ids


class Load:
    """Clients that never pause."""

    def __init__(self, site: Site, house: House, clients: int = 4) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(site, house.key, n)) for n in range(clients)]
        self.ids: list[str] = []
        self.failed: list[str] = []

    def _ask(self, site: Site, key: str, number: int) -> None:
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(timeout=60, trust_env=False, headers=headers) as client:
            while not self._stop.is_set():
                body = chat("m", 16, stream=number % 2 == 0)
                try:
                    answer = client.post(f"{site.url}/v1/chat/completions", json=body)
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                    return
                if answer.status_code != 200 or (number % 2 == 0 and not answer.text.rstrip().endswith("[DONE]")):
                    self.failed.append(answer.text)
                self.ids.append(answer.headers["x-request-id"])

    def wait_for(self, more: int) -> None:
        """Until that many more requests were answered."""
        until = len(self.ids) + more
        while len(self.ids) < until and not self.failed:
            self._stop.wait(0.02)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(60)


def test_rows_written_by_two_releases_in_turn_are_all_kept_and_no_restore_is_needed(
    house: House, now: Release, next_: Release, tmp_path: Path
) -> None:
    ids = served_by(house, now, 5)
    before = house.total(now)
    house.verb(now, "backup", "create", str(tmp_path / "backup"))
    assert house.run(next_, "db", "status").returncode == 1
    assert [one["after"] for one in house.verb(next_, "db", "migrate")] == ["0003", "0003"]
    assert house.total(next_) == house.total(now) == before

    ids |= served_by(house, next_, 4)  # forward
    assert house.total(now) == house.total(next_)
    assert house.verb(now, "db", "status")["action"] == "none"
    assert [(one["after"], one["newer"]) for one in house.verb(now, "db", "migrate")] == [("0003", True)] * 2
    ids |= served_by(house, now, 3)  # back
    assert [one["before"] for one in house.verb(next_, "db", "migrate")] == ["0003", "0003"]
    ids |= served_by(house, next_, 2)  # and forward again

    assert len(ids) == 6 + 5 + 4 + 3
    assert house.requests(now) == house.requests(next_) == sorted(ids)
    assert house.total(now) == house.total(next_)
    assert house.total(now)["requests"] == len(ids)
    assert house.total(now)["completion"] > before["completion"] > 0


def test_a_release_that_asks_for_more_is_left_by_restoring_and_its_rows_are_moved_aside_never_deleted(
    house: House, now: Release, next_: Release, after: Release, tmp_path: Path
) -> None:
    ids = served_by(house, now, 3)
    before = house.total(now)
    house.verb(now, "backup", "create", str(tmp_path / "backup"))
    house.verb(after, "db", "migrate")
    newer = served_by(house, after, 2)

    for release in (now, next_):
        refused = house.run(release, "serve")
        assert refused.returncode == 1
        assert "it asks for 0004" in refused.stderr
        assert "put the backup taken before the upgrade back with `redoubt backup restore`" in refused.stderr
        assert house.run(release, "db", "status", "--json").stdout.count('"restore"') == 3
    house.verb(now, "backup", "restore", str(tmp_path / "backup"), "--yes")

    assert house.total(now) == before
    ids |= served_by(house, now, 1)
    assert house.requests(now) == sorted(ids)
    [aside] = house.data.glob("replaced-*")
    with closing(sqlite3.connect(aside / "ledger.db")) as ledger:
        assert newer <= {row[0] for row in ledger.execute("SELECT request_id FROM rows")}


def fill(house: House, rows: int) -> None:
    """Rows from long ago, without sums: what an index is made of."""
    values = stored(a_row())
    with closing(sqlite3.connect(house.data / "ledger.db", isolation_level=None)) as ledger:
        ledger.execute("BEGIN IMMEDIATE")
        ledger.executemany(rollup.insert_rows(), ((n, f"req_{n:024x}", *values[2:]) for n in range(rows)))
        ledger.execute("COMMIT")


def test_a_gateway_streams_and_writes_rows_while_the_next_release_migrates_beneath_it(
    house: House, now: Release, next_: Release, request: pytest.FixtureRequest
) -> None:
    filled = FILLED_LONG if request.config.getoption("--long") else FILLED
    fill(house, filled)
    site = house.start(now)

    with Load(site, house).running() as load:
        load.wait_for(20)
        ran = house.run(next_, "db", "migrate", "--online", "--json")
        load.wait_for(20)
    smoked = house.verb(now, "smoke")
    house.stop()

    if ran.returncode:  # a slow machine and many rows: refused, which nobody may feel either
        assert "too long beside a gateway that serves; it is as it was" in ran.stderr
    assert [one["found"] for one in house.verb(now, "db", "status")["databases"]] == [
        "0003",
        "0002" if ran.returncode else "0003",
    ]
    assert load.failed == []
    assert smoked["fit"]
    assert house.total(now)["requests"] == len(load.ids)
    with closing(sqlite3.connect(house.data / "ledger.db")) as ledger:
        kept = Counter(row[0] for row in ledger.execute("SELECT request_id FROM rows WHERE at > ?", (filled,)))
    assert kept == Counter(load.ids)


def test_backups_under_heavy_writes_are_each_of_one_moment_and_hold_nobody_up(
    house: House, now: Release, tmp_path: Path
) -> None:
    site = house.start(now)
    seen = []

    with Load(site, house).running() as load:
        for number in range(3):
            load.wait_for(20)
            target = tmp_path / f"backup-{number}"
            house.verb(now, "backup", "create", str(target))
            house.verb(now, "backup", "verify", str(target))
            with closing(sqlite3.connect(target / "ledger.db")) as ledger:
                rows = ledger.execute("SELECT count(*), sum(completion) FROM rows").fetchone()
                for table in ("hours", "days"):
                    assert ledger.execute(f"SELECT sum(requests), sum(completion) FROM {table}").fetchone() == rows
                seen.append(rows[0])
    house.stop()

    assert load.failed == []
    assert 0 < seen[0] < seen[1] < seen[2]
    assert house.total(now)["requests"] == len(load.ids)
