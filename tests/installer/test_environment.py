"""What is made of a wheel when it is installed."""

import pytest

from installer.environment import compiled


@pytest.mark.parametrize(
    ("path", "is_compiled"),
    [
        ("spacy/language.py", True),
        ("spacy/tests/test_language.py", False),
        ("numpy/_core/tests/test_api.py", False),
        ("phonenumbers/phonenumberutil.py", True),
        ("phonenumbers/data/region_DE.py", True),
        ("phonenumbers/geodata/data5.py", False),
        ("tests.py", True),
        ("spacy/tokenizer.pyx", False),
    ],
)
def test_byte_code_is_made_of_what_may_be_imported_while_serving(path: str, is_compiled: bool) -> None:  # noqa: FBT001
    assert compiled(path) is is_compiled
