"""Patterns are judged as RE2 would judge them, without it."""

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from appliance.config.patterns import why_not

GOOD = [
    r"\bE-[0-9]{6}\b", r"(?i)do not distribute", r"[[:alpha:]]+-\d{2,4}", r"\p{L}+ \pN", r"(?P<n>a)|b", r"(?:x|y)+?z",
    r"a\z", r"\x{41}b", r"[^\]]x", r"a{1000}", r"\Aab", r"x\+",
]  # fmt: skip
BAD = {
    r"a(?=b)": "a look ahead", r"a(?!b)": "a look ahead", r"(?<=a)b": "a look behind", r"(?<!a)b": "a look behind",
    r"(a)\1": "`\\1`", r"(?P<a>x)(?P=a)": "a back reference", r"(?>a)b": "an atomic group", r"a++b": "possessive",
    r"(?(1)a|b)": "a condition", r"a{1001}": "more than 1000", r"a(b": "no pattern", r"[a": "no pattern",
    "*a": "no pattern",
    r"a\Z": r"`\z`", r"a*": "empty text", "x" * 1001: "longer",
}  # fmt: skip


@pytest.mark.parametrize("pattern", GOOD)
def test_what_re2_takes_is_taken(pattern: str) -> None:
    re2.compile(pattern)

    assert why_not(pattern) == ""


@pytest.mark.parametrize("pattern", BAD)
def test_what_re2_refuses_is_refused_with_the_reason(pattern: str) -> None:
    assert BAD[pattern] in why_not(pattern)


@given(pattern=st.text(alphabet="ab1()[]{}?*+|\\.,^$<>=!:PdzZk-", min_size=1, max_size=10))
def test_nothing_is_taken_that_re2_refuses(pattern: str) -> None:
    if why_not(pattern):
        return
    options = re2.Options()
    options.log_errors = False

    re2.compile(pattern, options)
