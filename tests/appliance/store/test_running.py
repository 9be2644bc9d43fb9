"""What a gateway says of itself in its data folder, and when it is believed."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from appliance.domain.errors import StoreUnavailable
from appliance.store import open_for_serving
from appliance.store.running import Running, Serving, serving, tell, withdraw
from tests.fakes.clock import NOON, FakeClock

OURS = Running(process=os.getpid(), version="0.1.0", api="http://127.0.0.1:1", admin="http://127.0.0.1:2", since=NOON)


async def test_it_is_believed_while_the_process_it_names_serves(data_dir: Path, clock: FakeClock) -> None:
    tell(data_dir, OURS)
    assert serving(data_dir) is None  # nobody holds the folder: it is what a kill has left

    async with await open_for_serving(data_dir, clock):
        assert serving(data_dir) == Serving(process=os.getpid(), told=OURS)

    assert serving(data_dir) is None


async def test_what_another_process_told_says_nothing(data_dir: Path, clock: FakeClock) -> None:
    tell(data_dir, msgspec.structs.replace(OURS, process=OURS.process + 1))

    async with await open_for_serving(data_dir, clock):
        assert serving(data_dir) == Serving(process=os.getpid(), told=None)


async def test_a_gateway_that_has_told_nothing_yet_is_seen(data_dir: Path, clock: FakeClock) -> None:
    async with await open_for_serving(data_dir, clock):
        assert serving(data_dir) == Serving(process=os.getpid(), told=None)


def test_only_its_owner_may_read_it(data_dir: Path) -> None:
    tell(data_dir, OURS)

    assert stat.S_IMODE((data_dir / "gateway.json").stat().st_mode) == 0o600
    assert not list(data_dir.glob(".gateway*"))


def test_only_who_told_it_takes_it_back(data_dir: Path) -> None:
    tell(data_dir, OURS)

    withdraw(data_dir, OURS.process + 1)
    assert (data_dir / "gateway.json").exists()
    withdraw(data_dir, OURS.process)
    withdraw(data_dir, OURS.process)

    assert not (data_dir / "gateway.json").exists()


async def test_a_damaged_one_is_said_to_be(data_dir: Path, clock: FakeClock) -> None:
    (data_dir / "gateway.json").write_text("{}")

    async with await open_for_serving(data_dir, clock):
        with pytest.raises(StoreUnavailable, match=r"gateway\.json` cannot be read"):
            serving(data_dir)
    withdraw(data_dir, 1)  # never raises


def test_a_folder_that_cannot_be_written_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        tell(tmp_path / "nowhere", OURS)
