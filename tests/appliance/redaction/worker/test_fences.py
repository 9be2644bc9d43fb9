"""Fenced code blocks, as CommonMark has them."""

import pytest

from appliance.redaction.worker.fences import fences, outside


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no code ``` here", []),
        ("a\n```\nx\n```\nb", ["```\nx\n```"]),
        ("a\n```python\nx\n```  \nb", ["```python\nx\n```  "]),
        ("~~~ a`b\nx\n```\n~~~~\nb", ["~~~ a`b\nx\n```\n~~~~"]),
        ("````\n```\n````", ["````\n```\n````"]),
        ("```\nnever closed", ["```\nnever closed"]),
        ("    ```\nindented", []),
        ("``` a`b\nno fence", []),
    ],
)
def test_code_is_found(text: str, code: list[str]) -> None:
    assert [text[start:end] for start, end in fences(text)] == code


def test_blanking_keeps_every_place() -> None:
    text = "Anna\n```\nx = 1\n```\nLenz"
    blank = outside(text, fences(text))

    assert len(blank) == len(text)
    assert blank.split() == ["Anna", "Lenz"]
    assert blank.count("\n") == text.count("\n")
