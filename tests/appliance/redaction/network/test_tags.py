import itertools

from hypothesis import given
from hypothesis import strategies as st

from appliance.redaction.network.stretches import LONGEST, SHORTEST, stretches
from appliance.redaction.network.tags import Span, follows, may_begin, may_end, path_of, spans_of, tags_of

LABELS = ("PERSON", "LOCATION")
TAGS = tags_of(LABELS)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, list[Span]]:
    found: list[Span] = []
    at = 0
    for gap, length, label in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.sampled_from(LABELS)))):
        found.append((at + gap, at + gap + length, label))
        at += gap + length
    return at + draw(st.integers(0, 3)), found


@given(spans())
def test_names_become_tags_and_come_back(told: tuple[int, list[Span]]) -> None:
    length, names = told

    assert spans_of(path_of(names, length, TAGS), TAGS) == names


@given(spans())
def test_tags_of_names_only_follow_where_they_may(told: tuple[int, list[Span]]) -> None:
    length, names = told
    path = path_of(names, length, TAGS)
    may = follows(TAGS)

    assert all(may[first, second] for first, second in itertools.pairwise(path))
    assert not length or (may_begin(TAGS[path[0]]) and may_end(TAGS[path[-1]]))


def test_a_name_goes_on_as_itself_and_is_ended_before_another_begins() -> None:
    may = follows(TAGS)
    number = TAGS.index

    assert may[number("B-PERSON"), number("I-PERSON")]
    assert not may[number("B-PERSON"), number("I-LOCATION")]
    assert not may[number("B-PERSON"), number("O")]
    assert not may[number("O"), number("E-PERSON")]
    assert may[number("E-PERSON"), number("B-PERSON")]


WORDS = st.lists(
    st.sampled_from(["Ann", "went", ".", "!", "\n", "\n\n", "Mr.", "J.", "of", "A" * 40, ""]), max_size=300
)


@given(WORDS)
def test_stretches_hold_every_word_once_and_none_is_too_long(words: list[str]) -> None:
    found = stretches(words)

    assert sum(found) == len(words)
    assert all(0 < one <= LONGEST for one in found)


def test_a_stretch_ends_with_its_sentence_or_line_and_not_within_a_name() -> None:
    sentence = ["I", "have", "met", "J.", "R.", "Miller", "of", "the", "old", "firm", "in", "Bonn", "."]

    assert stretches([*sentence, "He", "said", "so", "."]) == [len(sentence), 4]
    assert stretches(["Hi", "!", "I", "am", "Ann", "."]) == [6]  # too short to stand alone
    assert stretches(["Ann", "\n\n", "Bo"]) == [2, 1]
    assert stretches(["12", "Elm", "Street", "\n", "Springfield"]) == [5]
    assert stretches([*["word"] * 39, "\n", "Bo"]) == [40, 1]
    assert len(["Hi", "!", "I", "am", "Ann"]) < SHORTEST
