"""Ages, titles, dates, streets and postcodes, as people write them."""

import pytest

from appliance.redaction.recognisers.gate import Gated
from tests.appliance.redaction.recognisers.found import all_of_ours, analysis_of, found


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("she is 37 years old", "37"),
        ("a 37-year-old driver", "37"),
        ("a man aged 37 came", "37"),
        ("Age: 37", "37"),
        ('{"name": "x", "age": 37}', "37"),
        ("37 y/o, 37yo", "37"),
        ("he is thirty-seven years old", "thirty-seven"),
        ("I am 102.", "102"),
        ("a baby 6 months old", "6"),
        ("sie ist 37 Jahre alt", "37"),
        ("ein 37-jähriger Mann", "37"),
        ("il a 37 ans", "37"),
        ("hij is 37 jaar oud", "37"),
    ],
)
def test_an_age_is_found_as_its_number(everything: Gated, text: str, age: str) -> None:
    assert found(everything, text, "AGE") == {age}


@pytest.mark.parametrize(
    "text",
    ["page 37", "37 years of work", "image: 37", "the message is 37", "he is 37 percent done", "stage 3", "a 2021 car"],
)
def test_other_numbers_are_no_age(everything: Gated, text: str) -> None:
    assert found(everything, text, "AGE") == set()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Mr. Lee", "Mr."),
        ("ask Mrs O'Neil", "Mrs"),
        ("Dr. Ann Lee", "Dr."),
        ("Prof. Dr. Müller", "Prof."),
        ("Ms. J. Doe", "Ms."),
        ("Frau Müller", "Frau"),
        ("Herrn Weiß", "Herrn"),
        ("Mme Dupont", "Mme"),
        ("Mevr. Jansen", "Mevr."),
    ],
)
def test_a_title_is_found_before_a_name(everything: Gated, text: str, title: str) -> None:
    assert found(everything, text, "TITLE") == {title}


@pytest.mark.parametrize("text", ["the dr is in", "Miss it", "MS Word", "Sir, please", "a gen 3 chip", "Ms per frame"])
def test_a_word_that_stands_before_no_name_is_no_title(everything: Gated, text: str) -> None:
    assert found(everything, text, "TITLE") == set()


def test_titles_of_other_languages_wait_for_the_language() -> None:
    assert found(all_of_ours(analysis_of("TITLE")), "Frau Müller and Mr. Lee", "TITLE") == {"Mr."}


@pytest.mark.parametrize(
    "date",
    [
        *(
            "2024-05-01",
            "2024/5/1",
            "01/05/2024",
            "5/1/24",
            "31.12.1999",
            "1-5-2024",
            "12 March 2024",
            "March 12, 2024",
            "Mar 12th",
        ),
        *(
            "12th of March",
            "March 2024",
            "12. März 2024",
            "1er mai 1980",
            "12 août 2020",
            "3 de mayo de 2021",
            "05-Mar-2024",
            "10:30 pm",
        ),
        "7 a.m.",
    ],
)
def test_a_date_is_found_in_figures_and_in_words(everything: Gated, date: str) -> None:
    assert date in found(everything, f"on {date}, I think", "DATE_TIME")


@pytest.mark.parametrize(
    "text",
    [
        "2024-13-45",
        "45/45/2024",
        "1.2.3",
        "10.12.15.2",
        "a/1/2/24/b",
        "2026-11-29T14:52:35Z",
        "march on",
        "May I",
        "1/2",
    ],
)
def test_what_is_no_day_or_was_written_by_a_machine_is_no_date(everything: Gated, text: str) -> None:
    assert found(everything, text, "DATE_TIME") == set()


@pytest.mark.parametrize(
    "street",
    [
        *(
            "12 North Main Street",
            "742 Evergreen Terrace",
            "1600 Pennsylvania Ave",
            "221B Baker Street",
            "350 5th Ave, Apt 12",
        ),
        *(
            "10 Downing Street",
            "99 Lake View",
            "4 Privet Close",
            "P.O. Box 1234",
            "12345 Martin Luther King Blvd. Suite 200",
        ),
        *("Königstraße 12a", "Hauptstr. 5", "Berliner Allee 100", "Am Markt 3", "Lange Straße 7", "Musterweg 1-3"),
        *("12 rue de la Paix", "5 bis, avenue Victor Hugo", "1 place d'Italie", "Keizersgracht 123", "Dorpsstraat 5a"),
    ],
)
def test_a_street_with_its_number_is_found(everything: Gated, street: str) -> None:
    assert street in found(everything, f"I live at {street}, near the river", "STREET_ADDRESS")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Springfield, IL 62704", "62704"),
        ("Boston, MA 02110-1301", "02110-1301"),
        ("London SW1A 1AA", "SW1A 1AA"),
        ("zip code: 90210", "90210"),
        ("PLZ 70173", "70173"),
        ("Königstraße 12a, 70173 Stuttgart", "70173"),
        ("12 rue de la Paix, 75001 Paris", "75001"),
        ("Keizersgracht 123, 1015 CJ Amsterdam", "1015 CJ"),
    ],
)
def test_a_postcode_is_found_where_an_address_is(everything: Gated, text: str, code: str) -> None:
    assert found(everything, text, "ZIP_CODE") == {code}


@pytest.mark.parametrize(
    "text", ["port 10000 is open", "it took 12345 ms", "pid 54321", "RFC 12345", "in 2024 IT grew"]
)
def test_a_number_by_itself_is_no_postcode(everything: Gated, text: str) -> None:
    assert found(everything, text, "ZIP_CODE") == set()


@pytest.mark.parametrize(
    "text",
    [
        *("Spring 2015", "During 2019 and String 5", "an iPad 2", "18,000 square miles", "18, 000 square meter park"),
        *(
            "12 route handlers",
            "5 place settings",
            "3 Open Settings",
            "the 2016 Summit",
            "Firewall 2",
            "chapter 12 Cue the Band",
        ),
        "04:12 Lonely Island",
    ],
)
def test_english_words_that_end_like_a_street_are_none(text: str) -> None:
    english = all_of_ours(analysis_of("STREET_ADDRESS", "ZIP_CODE"))

    assert found(english, text) == set()


def test_streets_of_other_languages_wait_for_the_language() -> None:
    english, german = (all_of_ours(analysis_of("STREET_ADDRESS", languages=(one,))) for one in ("en", "de"))

    assert found(english, "Kurfürstendamm 21 and Königstraße 3") == {"Königstraße 3"}
    assert found(german, "Kurfürstendamm 21 and Königstraße 3") == {"Kurfürstendamm 21", "Königstraße 3"}


@pytest.mark.parametrize(
    "street",
    [
        *(
            "2227 Smith Knolls",
            "16484 Fischer Land",
            "282 Fields Manors Apt. 566",
            "77 Lee Via Suite 905",
            "Flat 40, Brown Route",
        ),
        *("Studio 28O, Guy Common", "Flat 3b 12 King Street", "Anna-Maria-Meier-Straße 89", "Ufer-Allee 3"),
    ],
)
def test_rarer_kinds_of_streets_count_behind_a_long_number_or_with_a_flat(street: str) -> None:
    english = all_of_ours(analysis_of("STREET_ADDRESS"))

    assert street in found(english, f"As I said, {street}, and so on")


def test_a_rarer_kind_of_street_counts_after_a_word_for_living_somewhere() -> None:
    english = all_of_ours(analysis_of("STREET_ADDRESS"))

    assert found(english, "she lives at 12 Cooper Port") == {"12 Cooper Port"}
    assert found(english, "we sold 12 Cooper Port") == set()
