"""Security refusals on their way into the events table."""

import asyncio
from pathlib import Path

import pytest

from appliance.domain.errors import StoreUnavailable
from appliance.domain.events import Event
from appliance.store import Visited, visit
from appliance.store.sink import QueuedEvents
from tests.appliance.store.sites import an_event
from tests.fakes.clock import FakeClock


async def noted(visited: Visited, clock: FakeClock, *events: Event, room: int = 100) -> QueuedEvents:
    """A sink that took these before its first interval was over, and was stopped."""
    sink = QueuedEvents(visited.store, clock, interval=3600.0, room=room)
    sink.start()
    for event in events:
        sink.note(event)
    await sink.stop()
    return sink


async def test_refusals_alike_become_one_event_that_counts_them(data_dir: Path, clock: FakeClock) -> None:
    async with await visit(data_dir) as visited:
        alike = [an_event(detail="bad key") for _ in range(7)]
        others = [an_event(subject="10.0.0.2"), an_event(actor="key_1"), an_event("egress.refused")]

        sink = await noted(visited, clock, *alike, *others)

        details = [(event.action, event.actor, event.subject, event.detail) for event in await visited.store.events(9)]
        assert details == [
            ("egress.refused", "system", "127.0.0.1", ""),
            ("auth.refused", "key_1", "127.0.0.1", ""),
            ("auth.refused", "system", "10.0.0.2", ""),
            ("auth.refused", "system", "127.0.0.1", "bad key (7 times)"),
        ]
        assert sink.dropped == 0


async def test_a_refusal_is_written_after_the_interval_without_a_stop(data_dir: Path, clock: FakeClock) -> None:
    async with await visit(data_dir) as visited:
        sink = QueuedEvents(visited.store, clock, interval=0.001)
        sink.start()
        for round_ in (1, 2):
            sink.note(an_event())
            while len(await visited.store.events(9)) < round_:  # noqa: ASYNC110  # nobody is told when it has
                await asyncio.sleep(0.001)
        await sink.stop()


async def test_a_flood_is_bounded_and_what_is_left_out_is_counted_and_said(data_dir: Path, clock: FakeClock) -> None:
    async with await visit(data_dir) as visited:
        flood = [an_event(subject=f"10.0.0.{number}") for number in range(25)]

        sink = await noted(visited, clock, *flood, *flood, room=10)

        events = await visited.store.events(99)
        assert len(events) == 11
        assert (events[0].action, events[0].subject) == ("events.dropped", "events")
        assert events[0].detail.startswith("30 security refusals were not kept")
        assert sink.dropped == 30


async def test_noting_does_not_raise_the_change_number(data_dir: Path, clock: FakeClock) -> None:
    async with await visit(data_dir) as visited:
        await noted(visited, clock, an_event())

        assert await visited.store.change_number() == 0


async def test_refusals_wait_for_a_store_that_cannot_be_written_and_keep_their_count(
    data_dir: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await visit(data_dir) as visited:
        real, failed = visited.store.add_events, asyncio.Event()

        async def fail(events: list[Event]) -> None:
            failed.set()
            raise StoreUnavailable("full")

        monkeypatch.setattr(visited.store, "add_events", fail)
        sink = QueuedEvents(visited.store, clock, interval=0.001, room=2)
        sink.start()
        for subject in ("a", "a", "b", "c"):
            sink.note(an_event(subject=subject))
        await failed.wait()
        for subject in ("a", "d"):
            sink.note(an_event(subject=subject))
        monkeypatch.setattr(visited.store, "add_events", real)
        await sink.stop()

        found = {event.subject: event.detail for event in await visited.store.events(9)}
        assert found["a"] == "(3 times)"
        assert "b" in found
        assert found["events"].startswith("2 ")
        assert found.keys() == {"a", "b", "events"}


async def test_refusals_that_cannot_be_written_at_the_end_are_in_the_log(
    data_dir: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with await visit(data_dir) as visited:

        async def fail(events: list[Event]) -> None:
            raise StoreUnavailable("full")

        monkeypatch.setattr(visited.store, "add_events", fail)

        await noted(visited, clock, an_event(subject="canary"))

        assert any('"canary"' in record.getMessage() for record in caplog.records)
