"""What a model took for a name and what cannot be one."""

import pytest

from appliance.redaction.worker.plausible import plausible
from appliance.redaction.worker.technical import TECHNICAL
from offline.models.manifest import HOME
from offline.models.names import read_lists


def told(entity: str, said: str, before: str = "", after: str = "") -> bool:
    return plausible(entity, f"{before}{said}{after}", len(before), len(before) + len(said))


@pytest.mark.parametrize(
    "said",
    [
        "buffer_t",
        "goroutine=6",
        "E7003",
        "v1.6.6",
        "UJ==",
        "11:06:09",
        "849.8MB",
        "65 GB",
        "HTTP/1.1",
        'msg="queue',
        "epoch_retry\nE2752",
    ],
)
@pytest.mark.parametrize("entity", ["PERSON", "LOCATION", "ORGANIZATION", "NRP"])
def test_an_identifier_a_size_or_a_version_is_no_name(entity: str, said: str) -> None:
    assert not told(entity, said)


@pytest.mark.parametrize("said", ["Pam", "Uri", "Nat", "Keller(CEO"])
def test_a_first_name_that_is_also_short_for_something_and_a_name_with_a_bracket_are_names(said: str) -> None:
    assert told("PERSON", said)


def test_no_word_of_software_is_a_first_name_we_know_of_but_one() -> None:
    given = {name.casefold() for names, _ in read_lists(HOME).people for name in names}

    assert len(given) > 10_000
    assert given & TECHNICAL == {"loki"}


@pytest.mark.parametrize("said", ["Jenkins", "Loki v1.24.3", "Helm and Kafka", "S3", "EKS", "ISO", "VS Code"])
def test_words_of_software_stay(said: str) -> None:
    assert not told("PERSON", said)
    assert not told("ORGANIZATION", said)


@pytest.mark.parametrize(
    "said",
    ["Peter Jenkins", "Julia", "O'Brien", "AT&T", "Li", "G.", "Anne-Marie", "müller", "Siemens AG", "Jean-Luc Picard"],
)
def test_names_of_people_and_firms_pass(said: str) -> None:
    assert told("PERSON", said)
    assert told("ORGANIZATION", said)


@pytest.mark.parametrize("title", ["Mr. ", "Dr ", "Frau ", "Please ask Mrs. "])
def test_a_title_before_it_makes_a_name_of_a_word_of_software(title: str) -> None:
    assert told("PERSON", "Jenkins", before=title)


@pytest.mark.parametrize(
    "said", ["Jose\u0301 Nun\u0303ez", "\u0928\u0930\u0947\u0928\u094d\u0926\u094d\u0930", "**Anna**", "Anna*"]
)
def test_marks_on_letters_other_scripts_and_markup_do_not_let_a_name_go(said: str) -> None:
    assert told("PERSON", said)


def test_a_short_word_in_lower_case_is_no_organisation() -> None:
    assert not told("ORGANIZATION", "sec")
    assert told("ORGANIZATION", "siemens")


@pytest.mark.parametrize(
    "said",
    [
        "24963", "0x6e72dcfd", "0b7a9d875af453d32d65f3d692cffcca", "2196a56f-c90d-7c93-9385", "20.7.0", "2.306722s",
        "ms=58389", "8 days", "25 Tage", "may march", "1.028447", "1814",
    ],
)  # fmt: skip
def test_a_number_a_hash_a_version_or_a_length_is_no_time(said: str) -> None:
    assert not told("DATE_TIME", said)


@pytest.mark.parametrize(
    "said",
    [
        "Monday", "May 4", "4th", "12:30", "9 pm", "2026-11-29", "29.11.2026", "11/29/26", "2015", "the 1990s",
        "2026-11-29T14:52:35.123Z", "next March", "heute", "10/2024", "two days ago",
    ],
)  # fmt: skip
def test_days_times_and_years_pass(said: str) -> None:
    assert told("DATE_TIME", said)


def test_an_address_has_a_word_in_its_first_line() -> None:
    assert told("STREET_ADDRESS", "12 Main Street\nBoston")
    assert not told("STREET_ADDRESS", "200 51\nFile")
    assert not told("STREET_ADDRESS", "91.28MB")
