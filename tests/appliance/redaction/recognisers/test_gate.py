"""The gate: nothing a scanner finds may be hidden by it, and clean text passes no scanner."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.privacy import Entity, Finding
from appliance.domain.privacy_entities import PATTERNED
from appliance.redaction.recognisers.ours import ours
from appliance.redaction.recognisers.plain import Narrowing
from appliance.redaction.recognisers.recogniser import compiled
from tests.appliance.redaction.recognisers import formats, technical
from tests.appliance.redaction.recognisers.found import EVERYTHING, all_of_ours, analysis_of
from tests.appliance.redaction.recognisers.identifiers import ALL

OURS = all_of_ours()
SNIPPETS = (
    "born 12 March 1980, aged 37, Dr. Ann Lee, 12 North Main Street, IL 62704",
    "Königstraße 12a, 70173 Stuttgart; 12 rue de la Paix; Keizersgracht 123, 1015 CJ Amsterdam; SW1A 1AA",
    'password="hunter2!" AKIAIOSFODNN7EXAMPLE ghp_' + "a1" * 18 + " https://bob:s3cret@db.corp/x",
    "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
    "fe80::1 00:1A:2B:3C:4D:5E 10.0.0.7 ::ffff:10.0.0.1 fe80::",
    "He is 45. 37yo. 10:30 pm. 2026-11-29 14:52:35. 1/2/2024. PO Box 12. Mme Dupont. 37-jährige. 37 ans.",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc Bearer abcdefghijklmnopqrstuvwxyz0123456789",
)


def sentences(seed: int) -> str:
    """A text with something of everything, cut and joined at random."""
    rng = random.Random(seed)
    pieces = [rng.choice(SNIPPETS), technical.line(rng, rng.choice(technical.LOGS))]
    makers = (
        formats.email,
        formats.url,
        formats.host,
        formats.ip,
        formats.iban,
        formats.card,
        *formats.PHONES.values(),
    )
    pieces += [make(rng) for make in makers]
    pieces += [one.sentence.format(next(iter(one.good(rng, 1)))) for one in ALL]
    rng.shuffle(pieces)
    text = rng.choice([" ", "\n", ", ", "", '"'])[:1].join(pieces)
    cut = rng.randrange(len(text))
    return text[cut:] + text[:cut]


def hidden(text: str) -> list[tuple[tuple[Entity, ...], str]]:
    """Scanners that find something in a text in which their gate does not match."""
    plain = Narrowing().bytes_of(text)
    opened = list(OURS.open_for(plain))
    return [
        (one.entities, one.gate) for one in OURS.scanners if one not in opened and any(True for _ in one.scan(plain))
    ]


@given(st.integers(0, 1 << 32))
def test_whenever_a_scanner_finds_something_its_gate_is_open(seed: int) -> None:
    text = sentences(seed)

    assert hidden(text) == []


@given(
    st.lists(st.sampled_from([*SNIPPETS[3], *"0123456789./-: @", "::", "1.", "12 ", "A1"]), max_size=80).map("".join)
)
def test_the_gate_hides_nothing_in_debris_either(text: str) -> None:
    assert hidden(text) == []


@given(st.text())
def test_every_place_lies_inside_the_text(text: str) -> None:
    for one in OURS.find(text):
        assert 0 <= one.start < one.end <= len(text)


@given(st.integers(0, 1 << 32), st.sampled_from(["ß", "é", "中", "🙂", "\ud800", "\u0301"]))
def test_places_count_characters_whatever_stands_before(seed: int, character: str) -> None:
    value = formats.email(random.Random(seed))
    text = f"{character * 7} {value} {character}"

    assert (9 - 1, 8 + len(value)) in {(one.start, one.end) for one in OURS.find(text) if one.entity == "EMAIL_ADDRESS"}


def test_clean_text_opens_no_gate() -> None:
    text = "Could you make this friendlier? I would like to keep the idea, which is that the team will move soon."

    assert list(OURS.open_for(text.encode())) == []


def test_when_the_automaton_cannot_say_every_scanner_is_asked() -> None:
    gated = all_of_ours()
    gated._set = Silent()

    assert list(gated.open_for(b"hello")) == list(gated.scanners)


class Silent:
    """An RE2 set that ran out of memory: it answers nothing."""

    def Match(self, text: bytes) -> Sequence[int]:  # noqa: N802  # RE2's name
        return []


def test_only_what_is_asked_for_is_compiled() -> None:
    gated = all_of_ours(analysis_of("NL_BSN", "EMAIL_ADDRESS"))

    assert {entity for one in gated.scanners for entity in one.entities} == {"NL_BSN", "EMAIL_ADDRESS"}
    assert ours(analysis_of()) == ()


def test_the_table_names_exactly_what_can_be_found() -> None:
    """`URL` stands in for host names when they are not asked for by themselves."""
    assert set(OURS.entities) == PATTERNED


@pytest.mark.parametrize("entity", sorted(PATTERNED))
def test_every_entity_of_the_table_can_be_asked_for_alone(entity: Entity) -> None:
    assert all_of_ours(analysis_of(entity)).entities == (entity,)


@pytest.mark.parametrize("gate", sorted({one.gate for one in OURS.scanners}))
def test_every_gate_is_a_pattern_that_does_not_match_nothing(gate: str) -> None:
    assert compiled(gate).search(b"") is None


def test_a_finding_says_no_text() -> None:
    (finding,) = all_of_ours(analysis_of("EMAIL_ADDRESS", languages=EVERYTHING.languages)).find("to bob@mail.corp now")

    assert finding == Finding(3, 16, Entity("EMAIL_ADDRESS"), 1.0)
    assert "bob" not in repr(finding)
