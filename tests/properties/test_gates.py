"""The law of gates: wherever a pattern of Presidio's matches, the gate before its recogniser is open."""

import re

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.redaction.worker.predefined import GATES, NOT_USED, Gated, available, gate

USED = available()
SHORT = 50  # examples of tests/conftest.py's short profile


def generated(pattern: str, flags: int) -> st.SearchStrategy[str] | None:
    """Texts in which `pattern` matches; None where Python's own `re` cannot read it."""
    try:
        return st.from_regex(re.compile(pattern, flags))
    except re.error:
        return None


def texts(name: str) -> list[tuple[str, st.SearchStrategy[str] | None]]:
    inner = USED[name]()
    return [(one.regex, generated(one.regex, inner.global_regex_flags)) for one in inner.patterns]


@pytest.mark.parametrize("name", sorted(USED))
def test_a_gate_is_open_wherever_its_recogniser_matches(name: str) -> None:
    gated = Gated(USED[name](), gate(name), 5.0)
    patterns = texts(name)
    if any(matching is None for _, matching in patterns):
        assert gate(name) == "", f"no text can be made for a pattern of {name}: it has to stand ungated"
        return
    compiled = [regex.compile(pattern, gated._inner.global_regex_flags) for pattern, _ in patterns]

    @settings(max_examples=10 * len(patterns) * settings().max_examples // SHORT)
    @given(st.one_of(*(matching for _, matching in patterns if matching is not None)))
    def open_to(text: str) -> None:
        assert gated.open(text) or not any(one.search(text) for one in compiled)

    open_to()


def test_every_gate_is_of_a_recogniser_that_is_used() -> None:
    assert set(GATES) <= set(USED)
    assert not NOT_USED & set(USED)
