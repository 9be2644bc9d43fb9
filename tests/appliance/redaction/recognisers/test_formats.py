"""E-mail addresses, URLs, machine addresses, accounts and cards: all of them. Telephone numbers: nine of ten."""

import random
from collections.abc import Callable

import pytest

from appliance.redaction.recognisers.gate import Gated
from tests.appliance.redaction.recognisers import formats
from tests.appliance.redaction.recognisers.found import above, all_of_ours, analysis_of, covered, found

SHORT, LONG = 120, 3000
SEED = 20261130
Rng = random.Random


def wide(text: str) -> str:
    """In fullwidth forms."""
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


def missed(recogniser: Gated, make: Callable[[Rng], str], entities: set[str], count: int) -> list[str]:
    rng = Rng(SEED)
    lost = []
    for _ in range(count):
        value, sentence = make(rng), rng.choice(formats.SENTENCES)
        start = sentence.index("{}")
        if not covered(above(recogniser, sentence.format(value)), start, start + len(value), entities):
            lost.append(sentence.format(value))
    return lost


@pytest.mark.parametrize(
    ("make", "entities"),
    [
        (formats.email, {"EMAIL_ADDRESS"}),
        (formats.url, {"URL"}),
        (formats.host, {"DOMAIN_NAME"}),
        (formats.ip, {"IP_ADDRESS"}),
        (formats.iban, {"IBAN_CODE"}),
        (formats.ssn, {"US_SSN"}),
    ],
)
def test_every_one_is_found_in_its_place(
    everything: Gated, make: Callable[[Rng], str], entities: set[str], *, long_run: bool
) -> None:
    assert missed(everything, make, entities, LONG if long_run else SHORT) == []


def test_cards_of_every_length_are_found(everything: Gated, *, long_run: bool) -> None:
    count = LONG if long_run else SHORT

    assert len(missed(everything, formats.card, {"CREDIT_CARD"}, count)) <= 0.05 * count


@pytest.mark.parametrize("region", formats.PHONES)
def test_nine_of_ten_telephone_numbers_of_a_region_are_found(region: str, *, long_run: bool) -> None:
    count = LONG if long_run else SHORT
    recogniser = all_of_ours(analysis_of("PHONE_NUMBER", phone_regions=(region,)))

    assert len(missed(recogniser, formats.PHONES[region], {"PHONE_NUMBER"}, count)) <= 0.1 * count


@pytest.mark.parametrize("region", formats.PHONES)
def test_telephone_numbers_that_only_a_space_parts_are_found(everything: Gated, region: str) -> None:
    """Where one ends cannot always be told (German numbers have any length); what is left in clear counts."""
    rng = Rng(SEED)
    text = " ".join(formats.PHONES[region](rng) for _ in range(100))

    covered_ = sum(one.end - one.start for one in above(everything, text) if one.entity == "PHONE_NUMBER")

    assert covered_ / len(text) > 0.75


def test_a_small_number_behind_a_telephone_number_hides_nothing(everything: Gated) -> None:
    assert found(everything, "dial 415-555-2671 2 or 3 times", "PHONE_NUMBER") == {"415-555-2671"}


def test_one_digit_changed_makes_a_card_or_an_account_no_finding(everything: Gated) -> None:
    rng = Rng(SEED)
    taken: list[str] = []
    for make, entity in [(formats.card, "CREDIT_CARD"), (formats.iban, "IBAN_CODE")] * 200:
        number = [one for one in make(rng) if one.isalnum()]
        place = rng.choice([at for at, one in enumerate(number) if one.isdigit()])
        number[place] = str((int(number[place]) + rng.randint(1, 9)) % 10)
        taken += found(everything, "".join(number), entity)

    assert taken == []


@pytest.mark.parametrize(
    "address", ["bob@mail.corp", "bob@mail.local", "bob@mail.lan", "bob@mail.intern", "bob@mail.internal", "bob@corp"]
)
def test_an_address_of_an_isolated_network_is_an_address(everything: Gated, address: str) -> None:
    assert found(everything, f"ask {address} first", "EMAIL_ADDRESS") == {address}


def test_the_site_says_which_names_are_internal() -> None:
    recogniser = all_of_ours(analysis_of("EMAIL_ADDRESS", "DOMAIN_NAME", internal_suffixes=("acme",)))

    assert found(recogniser, "bob@acme runs wiki.acme and wiki.corp") == {"bob@acme", "wiki.acme"}


@pytest.mark.parametrize(
    "text",
    [
        "getty@tty1.service",
        "git@host.example:team/tool.git",
        "lodash@4.17.21",
        "image@sha256:abcdef",
        "@app.route",
        "user@host",
        "a@b@c",
        "@",
    ],
)
def test_an_at_sign_alone_makes_no_address(everything: Gated, text: str) -> None:
    assert found(everything, text, "EMAIL_ADDRESS") == set()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("to=bob@x.example&cc", "bob@x.example"),
        ("mailto:bob@x.example?subject=a", "bob@x.example"),
        ("'bob@x.example'", "bob@x.example"),
        ("Bob <bob@x.example>,", "bob@x.example"),
        ("bob@[10.0.0.1]", "bob@[10.0.0.1]"),
        (wide("bob") + "@mail.corp", wide("bob") + "@mail.corp"),
    ],
)
def test_what_leads_to_an_address_is_no_part_of_it(everything: Gated, text: str, address: str) -> None:
    assert found(everything, text, "EMAIL_ADDRESS") == {address}


def test_a_host_counts_as_a_url_where_only_urls_are_asked_for() -> None:
    assert found(all_of_ours(analysis_of("URL")), "see example.com for more", "URL") == {"example.com"}


@pytest.mark.parametrize(
    "text", ["http://localhost:8080/v1", "http://127.0.0.1:11434", "127.0.0.1", "::1", "255.255.255.0"]
)
def test_a_machines_own_address_names_nobody(everything: Gated, text: str) -> None:
    assert found(everything, text) == set()


def test_an_account_ends_where_its_country_says(everything: Gated) -> None:
    text = "pay DE89 3704 0044 0532 0130 00 and 50 EUR more"

    assert found(everything, text, "IBAN_CODE") == {"DE89 3704 0044 0532 0130 00"}


def test_a_card_between_other_numbers_is_found(everything: Gated) -> None:
    text = "order 12 4111 1111 1111 1111 12 26"

    assert found(everything, text, "CREDIT_CARD") == {"4111 1111 1111 1111"}


@pytest.mark.parametrize(
    "text",
    [
        wide("4111") + " " + wide("1111") + " " + wide("1111") + " " + wide("1111"),
        "4111\u20111111\u20111111\u20111111",  # hyphens that do not break
        "4111\u202f1111\u202f1111\u202f1111",  # narrow spaces
        "\u0664" + "\u0661" * 15,  # Arabic digits
    ],
)
def test_digits_spaces_and_dashes_of_other_scripts_hide_nothing(everything: Gated, text: str) -> None:
    assert found(everything, f"\u2013 {text} \u2013", "CREDIT_CARD") == {text}


@pytest.mark.parametrize(
    "wallet",
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
    ],
)
def test_a_wallet_is_found_while_its_checksum_holds(everything: Gated, wallet: str) -> None:
    broken = wallet[:-1] + ("2" if wallet[-1] != "2" else "3")

    assert found(everything, f"send to {wallet}", "CRYPTO") == {wallet}
    assert found(everything, f"send to {broken}", "CRYPTO") == set()


@pytest.mark.parametrize("text", ["00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e"])
def test_hardware_addresses_are_found_in_all_three_notations(everything: Gated, text: str) -> None:
    assert found(everything, f"eth0 {text} up", "MAC_ADDRESS") == {text}


def test_a_fingerprint_holds_no_hardware_address(everything: Gated) -> None:
    assert found(everything, "SHA1 " + ":".join(["ab"] * 20), "MAC_ADDRESS") == set()


def test_a_region_without_a_plan_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="phone_regions: no telephone plan is known for `XX`"):
        all_of_ours(analysis_of("PHONE_NUMBER", phone_regions=("US", "XX")))


def test_a_card_of_no_known_prefix_counts_after_a_word_for_cards(everything: Gated) -> None:
    number = "0604966231978"  # Luhn holds

    assert found(everything, f"row {number}", "CREDIT_CARD") == set()
    assert found(everything, f"my card {number}", "CREDIT_CARD") == {number}


@pytest.mark.parametrize(
    ("value", "entity"),
    [
        ("4111111111111111", "CREDIT_CARD"),
        ("bob@mail.corp", "EMAIL_ADDRESS"),
        ("DE89370400440532013000", "IBAN_CODE"),
        ("10.0.0.7", "IP_ADDRESS"),
        ("+442079460958", "PHONE_NUMBER"),
        ("756.9217.0769.85", "CH_AHV"),
    ],
)
def test_scripts_without_spaces_hide_nothing(everything: Gated, value: str, entity: str) -> None:
    assert found(everything, f"\u5361\u53f7{value}\u8c22\u8c22", entity) == {value}
