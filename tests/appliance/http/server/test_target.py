import string
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.http.server.target import Targets, objection

UNRESERVED = string.ascii_letters + string.digits + "-._~"


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/v1/chat/completions",
        b"/v1/models/org%2Fname:7b",
        b"/a.b/..c/...",
        b"/x?a=[1]&b=../..",
        b"/caf%C3%A9",
        b"/a/",
    ],
)
def test_a_path_with_one_meaning_is_sound(target: bytes) -> None:
    assert objection(target) is None


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"*",
        b"x",
        b"http://a/x",
        b"a:1",
        b"/%2",
        b"/%gg",
        b"/a/./b",
        b"/a/..",
        b"/%2e%2e",
        b"/a//b",
        b"/%2f%2f",
        b"/x?%",
    ],
)
def test_a_path_with_two_meanings_is_refused(target: bytes) -> None:
    assert objection(target) is not None


@given(st.lists(st.text(min_size=1), min_size=1))
@example(["0/"])
@example(["a", "../b"])
def test_any_text_can_be_a_segment_once_it_is_escaped(segments: list[str]) -> None:
    """But for dots, emptiness, controls and backslashes, which servers read differently."""
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    meant = "/" + "/".join(segments)
    doubtful = (
        "//" in meant or not {".", ".."}.isdisjoint(meant.split("/")) or any(c < " " or c in "\x7f\\" for c in meant)
    )

    assert (objection(path.encode()) is None) is not doubtful


@given(st.binary())
def test_a_sound_target_is_ascii_and_starts_with_a_slash(raw: bytes) -> None:
    if objection(raw) is None:
        assert raw.isascii()
        assert raw.startswith(b"/")


@given(st.text(alphabet=UNRESERVED + "/.%#?", max_size=20))
def test_remembering_changes_no_answer(text: str) -> None:
    targets = Targets()
    target = b"/" + text.encode()

    assert [targets.objection(target), targets.objection(target)] == [objection(target)] * 2


def test_what_is_remembered_of_targets_is_bounded() -> None:
    targets = Targets()

    for number in range(1000):
        targets.objection(b"/%d" % number)
    targets.objection(b"/" + b"a" * 1000)

    assert len(targets._sound) == 256
    assert max(map(len, targets._sound)) <= 128
