"""Synthetic text: spans lie where the values are, and what must stay unmasked carries none."""

import random
from pathlib import Path

import pytest

from offline.models.augment import Augmenter
from offline.models.corpora import Line, lines, read
from offline.models.manifest import HOME, HOMES, read_data
from offline.models.names import Lists, Namer, read_lists
from offline.models.synthetic import LABEL_OF, LABELS, SLOT, Filler, Synthetic, held_out, templates

EVERY = frozenset(LABELS)


@pytest.fixture(scope="module")
def lists() -> Lists:
    return read_lists(HOME)


@pytest.fixture(scope="module")
def german() -> Lists:
    return read_lists(HOMES["de"])


@pytest.fixture(scope="module", params=HOMES)
def home(request: pytest.FixtureRequest) -> Path:
    return HOMES[request.param]


def filler(lists: Lists, seed: int = 1) -> Filler:
    return Filler(lists, random.Random(seed))


def test_the_same_seed_writes_the_same_text(lists: Lists) -> None:
    first, second = (list(Synthetic(HOME, lists, random.Random(5)).lines(50)) for _ in range(2))

    assert first == second


def test_every_slot_of_every_template_can_be_filled(home: Path) -> None:
    made = filler(read_lists(home))

    for page in ("training", "negatives", "held_out"):
        for template in templates(home / f"templates/{page}.txt"):
            text, spans = made.fill(template)
            slots = [one[1] for one in SLOT.finditer(template) if one[1]]
            assert [label for *_, label in spans] == [LABEL_OF[one] for one in slots if one in LABEL_OF], template
            assert text


def test_a_span_holds_exactly_the_value_of_its_slot(lists: Lists) -> None:
    text, spans = filler(lists).fill("Hello {first}, {{x}} in {loc}!")

    assert [label for *_, label in spans] == ["PERSON", "LOCATION"]
    (first_from, first_to, _), (place_from, place_to, _) = spans
    assert text == f"Hello {text[first_from:first_to]}, {{x}} in {text[place_from:place_to]}!"


def test_spans_neither_overlap_nor_begin_or_end_with_space(home: Path) -> None:
    for line in Synthetic(home, read_lists(home), random.Random(7)).lines(2_000):
        ends = [0]
        for start, end, label in line.spans:
            assert label in EVERY
            assert start >= ends[-1]
            assert line.text[start:end].strip() == line.text[start:end] != ""
            ends.append(end)


def test_negatives_carry_no_label(home: Path) -> None:
    for template in templates(home / "templates/negatives.txt"):
        assert not {one[1] for one in SLOT.finditer(template)} & set(LABEL_OF), template


@pytest.mark.parametrize("word", ["S3", "EKS", "Helm", "Jenkins", "Kafka", "Vault", "Prometheus"])
def test_technical_words_are_taught_to_stay(lists: Lists, word: str) -> None:
    assert word in lists.technical
    assert word not in lists.organisations


def test_the_held_out_templates_are_not_those_that_are_learned(home: Path) -> None:
    learned = {one for page in ("training", "negatives") for one in templates(home / f"templates/{page}.txt")}
    apart = templates(home / "templates/held_out.txt")

    assert not learned & set(apart)
    assert len(held_out(home, read_lists(home), 3, seed=1)) == 3 * len(apart)


def test_addresses_come_in_many_shapes(lists: Lists) -> None:
    made = [filler(lists, seed).addresses.address() for seed in range(3) for _ in range(1)]
    draw = filler(lists, 9).addresses
    made += [draw.address() for _ in range(300)]

    assert any("\n" in one for one in made)
    assert any(one[0].isdigit() for one in made)
    assert any(one.split(",")[0][-1].isdigit() for one in made)
    assert any("Box" in one for one in made)


def test_german_text_is_about_people_places_and_streets_that_germans_write_of(german: Lists) -> None:
    families = {family for _, some in german.people[:3] for family in some}
    assert {"Müller", "Schmidt", "Gruber"} <= families
    assert [name for name, _ in german.cities[:5]] == ["Berlin", "Hamburg", "Wien", "München", "Köln"]

    draw = filler(german, 9).addresses
    made = [draw.address() for _ in range(300)]
    lands = " ".join(made)
    assert sum("stra" in one or "weg " in one for one in made) > 100
    assert "Deutschland" in lands
    assert "Germany" not in lands


def test_german_dates_times_and_endings_are_those_of_german(german: Lists) -> None:
    values = filler(german, 4).values
    dates = " ".join(values["date"]() for _ in range(300))
    genitives = [values["lasts"]() for _ in range(300)]

    assert "Januar" in dates
    assert "January" not in dates
    assert "Monday" not in dates
    assert {one[-1] for one in genitives} == {"s", "'"}
    assert all(values["adjen"]().endswith("en") for _ in range(20))
    assert not any("AM" in values["time"]() for _ in range(100))


def test_a_swapped_nationality_ends_as_its_sentence_wants(german: Lists) -> None:
    draw = random.Random(3)
    augmenter = Augmenter(Namer(german, draw), draw, [])

    assert all(augmenter._other("deutschen", "NRP").endswith("en") for _ in range(50))
    assert {augmenter._other("Wiener", "NRP")[0].isupper() for _ in range(50)} == {True}


def test_people_are_of_many_cultures(lists: Lists) -> None:
    assert len(lists.people) >= 45
    families = {family for _, some in lists.people for family in some}
    assert {"Nguyen", "Okafor", "Smith", "Schmidt", "Sharma", "Haddad", "Rossi", "Yamamoto"} <= families


def test_names_are_latin_and_places_have_no_marks_nobody_types(lists: Lists) -> None:
    assert "Ghaziabad" in {name for name, _ in lists.cities}
    assert "München" in {name for name, _ in lists.cities} or "Munich" in {name for name, _ in lists.cities}


def test_swapping_names_keeps_every_label_in_its_place(lists: Lists) -> None:
    wikigold = next(one for one in read_data().corpora if one.name == "en-wikigold")
    real = list(read(wikigold, "train"))[:400]
    draw = random.Random(3)
    augmenter = Augmenter(Namer(lists, draw), draw, real)

    for line in real:
        varied = augmenter.vary(line)

        assert [label for *_, label in varied.spans] == [label for *_, label in sorted(line.spans)]
        assert varied.told == line.told
        for start, end, _ in varied.spans:
            assert varied.text[start:end].strip() != ""


def test_one_name_in_a_line_stays_one_name(lists: Lists) -> None:
    line = Line("Ann met Bob; Ann left.", ((0, 3, "PERSON"), (8, 11, "PERSON"), (13, 16, "PERSON")), EVERY, "c", "d")
    draw = random.Random(1)
    augmenter = Augmenter(Namer(lists, draw), draw, [line])

    for _ in range(200):
        text, spans = augmenter._swapped(line.text, list(line.spans))
        first, _, third = (text[start:end] for start, end, _ in spans)

        assert first == third


def test_a_remark_in_a_word_list_is_no_word(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# remark\nword\n")

    assert lines(tmp_path / "list.txt") == ["word"]
