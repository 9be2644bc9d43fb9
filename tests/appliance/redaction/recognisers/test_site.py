"""What a site adds: patterns, deny-list, allow-list."""

import pytest

from appliance.domain.privacy import Analysis, Entity, Finding, SitePattern
from appliance.redaction.recognisers.ours import ours
from appliance.redaction.recognisers.recogniser import Recogniser
from appliance.redaction.recognisers.site import compile_pattern

STAFF = Entity("STAFF_ID")


def only(analysis: Analysis) -> Recogniser:
    (one,) = ours(analysis)
    return one


def with_pattern(pattern: str, *context: str, score: float = 0.5) -> Recogniser:
    site = SitePattern(entity=STAFF, pattern=pattern, score=score, context=context)
    return only(Analysis(entities=(STAFF,), patterns=(site,)))


def test_a_sites_pattern_finds_its_places_in_characters() -> None:
    text = "größe 中 EMP-12345 und EMP-6"

    assert list(with_pattern(r"EMP-\d+").find(text)) == [Finding(8, 17, STAFF, 0.5), Finding(22, 27, STAFF, 0.5)]


def test_a_sites_pattern_may_ask_for_any_script() -> None:
    assert [text.start for text in with_pattern(r"\p{Han}{2}").find("ab 中文 c")] == [3]


def test_a_word_nearby_lifts_a_sites_pattern() -> None:
    lifted, plain = (
        next(iter(with_pattern(r"\d{4}", "badge", score=0.3).find(text))) for text in ("Badge 1234", "1234")
    )

    assert (round(lifted.score, 2), plain.score) == (0.65, 0.3)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(?=x)y", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        (r"(", "missing"),
        (r"a*", "matches the empty text"),
        (r"^|x", "matches the empty text"),
        (r"(?:a{1000}){1000}", "bad repetition|too large|invalid repetition"),
    ],
)
def test_a_pattern_re2_refuses_is_refused_in_words(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        compile_pattern(pattern)


def test_a_pattern_of_an_entity_nobody_asks_for_is_not_compiled() -> None:
    site = SitePattern(entity=STAFF, pattern="(", score=0.5)

    assert ours(Analysis(entities=(), patterns=(site,))) == ()


def test_a_deny_list_finds_its_texts_as_words_and_in_any_case() -> None:
    denied = only(
        Analysis(
            entities=(Entity("PROJECT"),), deny=((Entity("PROJECT"), "Zugspitze"), (Entity("PROJECT"), "K.2 (north)"))
        )
    )
    text = "ZUGSPITZE and zugspitzen, see K.2 (North)!"

    assert [(text[one.start : one.end], one.sure) for one in denied.find(text)] == [
        ("ZUGSPITZE", True),
        ("K.2 (North)", True),
    ]


def test_a_deny_list_works_in_scripts_without_spaces() -> None:
    denied = only(Analysis(entities=(STAFF,), deny=((STAFF, "\u5f20\u4f1f"),)))

    assert list(denied.find("\u6211\u662f\u5f20\u4f1f\u3002")) == [Finding(2, 4, STAFF, 1.0, sure=True)]


def test_an_empty_line_of_a_deny_list_denies_nothing() -> None:
    assert ours(Analysis(entities=(STAFF,), deny=((STAFF, "  "),))) == ()
