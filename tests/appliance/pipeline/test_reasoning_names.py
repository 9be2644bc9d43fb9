"""A site may leave one of the two names of reasoning out."""

import pytest

from appliance.pipeline.relay import drop_reasoning


@pytest.mark.parametrize("unwanted", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("where", ["delta", "message"])
def test_the_unwanted_name_is_left_out_of_every_choice(where: str, unwanted: str) -> None:
    said = {"content": "x", "reasoning": "y", "reasoning_content": "y"}
    body = {"choices": [{where: dict(said)}, {where: dict(said)}]}

    drop_reasoning(body, where, unwanted)

    kept = {name: value for name, value in said.items() if name != unwanted}
    assert body == {"choices": [{where: kept}, {where: kept}]}


def test_both_names_stay_by_default() -> None:
    body = {"choices": [{"delta": {"reasoning": "y", "reasoning_content": "y"}}, {}]}

    drop_reasoning(body, "delta", None)

    assert body == {"choices": [{"delta": {"reasoning": "y", "reasoning_content": "y"}}, {}]}
