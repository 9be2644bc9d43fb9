"""What every analyser promises (`ports.analyser`)."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from appliance.domain.errors import RedactionUnavailable
from appliance.domain.privacy import Analysis, Entity
from appliance.ports.analyser import Analyser
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment
from tests.fakes.privacy_worker import command

ALL = Analysis(entities=(Entity("CREDIT_CARD"), Entity("IP_ADDRESS"), Entity("PERSON")))


@pytest.fixture(params=["pooled"])
async def analyser(request: pytest.FixtureRequest) -> AsyncIterator[Analyser]:
    settings = PoolSettings(workers=1, wait_s=60, deadline_s=60, most_chars=1000)
    async with PooledAnalyser(settings, command("real"), environment()) as made:
        yield made


async def test_there_is_one_tuple_for_each_text_in_order(analyser: Analyser) -> None:
    found = await analyser.find(ALL, ["10.0.0.1", "", "nothing", "Marlene", "10.0.0.1"])

    assert [[one.entity for one in each] for each in found] == [["IP_ADDRESS"], [], [], ["PERSON"], ["IP_ADDRESS"]]
    assert await analyser.find(ALL, []) == []


async def test_findings_are_sorted_apart_and_inside_and_count_characters(analyser: Analyser) -> None:
    text = "🙂é Marlene 4111 1111 1111 1111 at 10.0.0.1 and MarleneMarlene 👩‍👩‍👧"

    (found,) = await analyser.find(ALL, [text])

    assert all(left.end <= right.start for left, right in pairwise(found))
    assert [text[one.start : one.end] for one in found] == [
        "Marlene", "4111 1111 1111 1111", "10.0.0.1", "MarleneMarlene",
    ]  # fmt: skip


async def test_what_is_not_asked_for_is_not_found(analyser: Analyser) -> None:
    assert await analyser.find(Analysis(entities=(Entity("PERSON"),)), ["10.0.0.1"]) == [()]


@pytest.mark.parametrize("text", ["RAISE", "x" * 2000])
async def test_there_is_no_partial_answer(text: str, analyser: Analyser) -> None:
    with pytest.raises(RedactionUnavailable):
        await analyser.find(ALL, ["Marlene", text])


async def test_patterns_alone_have_no_model(analyser: Analyser) -> None:
    await analyser.find(ALL, ["warm"])

    assert analyser.model == ""
