import re
from decimal import Decimal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config.tree import parse
from appliance.domain.errors import ConfigError


def data(text: str) -> object:
    return parse(text, "site.yaml").data


def test_only_true_and_false_are_booleans() -> None:
    assert data("[true, False, yes, no, on, off, y, n]") == [True, False, "yes", "no", "on", "off", "y", "n"]


def test_octal_sexagesimal_dates_and_special_floats_stay_texts() -> None:
    written = "[012, 12:30, 2027-01-01, .inf, .nan, 1_000, 0x1F]"

    assert data(written) == ["012", "12:30", "2027-01-01", ".inf", ".nan", "1_000", "0x1F"]


def test_numbers_and_nothing_are_read_as_they_are_written() -> None:
    assert data("[0, -7, 0.15, .5, 1e3, ~, null, '7']") == [0, -7, 0.15, 0.5, 1000.0, None, None, "7"]


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert data("# nothing here\n") == {}


def test_aliases_and_merge_keys_are_followed_and_the_own_field_wins() -> None:
    text = "base: &base {weight: 1, price: 2}\none:\n  weight: 3\n  <<: *base\ntwo: *base\n"

    assert data(text) == {
        "base": {"weight": 1, "price": 2},
        "one": {"weight": 3, "price": 2},
        "two": {"weight": 1, "price": 2},
    }


def test_every_field_knows_its_line() -> None:
    tree = parse("a: 1\nb:\n  - c: 2\n    d: 3\n", "site.yaml")

    assert tree.line(("b", 0, "d")) == 4
    assert tree.line(("b", 0, "missing")) == 3
    assert tree.line(("nowhere",)) == 1


def test_a_merged_mapping_does_not_take_the_line_of_an_own_field() -> None:
    tree = parse("base: &base {weight: 1}\none:\n  weight: 3\n  <<: *base\n", "site.yaml")

    assert tree.line(("one", "weight")) == 3


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "`a` is written twice"),
        ("a: [1\n", 2, "is not YAML"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "the tag"),
        ("a: !secret x\n", 1, "the tag `!secret` is not allowed"),
        ("a: !!binary aGk=\n", 1, "is not allowed"),
        ("a: 1\n1: b\n", 2, "must be a text"),
        ("a: &a [*a]\n", 1, "nested deeper"),
        ("[" * 100 + "]" * 100, 1, "nested deeper"),
        ("[" * 20_000, 1, "nested deeper"),
        ("a: 1\n---\nb: 2\n", 2, "single document"),
        ("a: \x00\n", 1, "is not YAML"),
        ("a: 12345678901234567890\n", 1, "too many digits"),
        ("<<: 7\n", 1, "takes a mapping"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text, "site.yaml")

    assert refused.value.line == line
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"site.yaml:{line}: ")


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12))

    with pytest.raises(ConfigError, match="too many values"):
        parse(f"l0: &l0 [x]\n{levels}\n", "site.yaml")


def test_a_number_that_a_float_would_change_is_refused_rather_than_rounded() -> None:
    with pytest.raises(ConfigError, match="put it in quotes"):
        parse("a: 0.12345678901234567\n", "site.yaml")

    assert data("a: '0.12345678901234567'") == {"a": "0.12345678901234567"}


@settings(deadline=None)
@given(st.decimals(min_value=0, max_value=10**8, places=6))
def test_money_written_as_a_number_is_read_back_to_the_last_digit(amount: Decimal) -> None:
    read = parse(f"a: {amount:f}", "f").data

    assert isinstance(read, dict)
    assert Decimal(repr(read["a"])) == amount


ONLY_OURS = re.compile(
    r"[0-9][eE][+-]?[0-9]"
)  # `0E0`: a number in YAML 1.2, and no number to PyYAML, which leaves it bare
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))).filter(
        lambda text: not ONLY_OURS.search(text)
    )
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"[a-z_]{3,9}", fullmatch=True), inner)
)


@settings(deadline=None)
@given(trees)
def test_what_pyyaml_writes_means_the_same_to_us(value: object) -> None:
    text = yaml.safe_dump(value, default_style='"' if isinstance(value, str) else None, allow_unicode=True)
    quoted = yaml.safe_load(text)

    assert quoted == value
    assert plain(data(text)) == plain(value)


def plain(value: object) -> object:
    """PyYAML quotes what YAML 1.1 would misread; what it leaves bare must mean the same to us."""
    return {} if value is None else value
