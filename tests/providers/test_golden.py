"""Every translation of every adapter, against its golden file."""

from pathlib import Path

import pytest

from providers import load
from tests.providers.golden import FOLDER, made_of

FILES = sorted(FOLDER.glob("*/*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_translation_is_as_the_golden_file_says(file: Path) -> None:
    source, mark, expected = file.read_text().partition("\n---\n")
    what, _, case = file.stem.partition("-")
    provider = load([file.parent.name], frozenset())[file.parent.name]

    made = made_of(what, provider, source)

    assert mark, "a golden file holds its input, a line `---`, and what is expected"
    assert case, "a golden file's name says what it shows"
    assert made == expected.rstrip("\n")
