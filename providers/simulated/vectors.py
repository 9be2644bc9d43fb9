"""OpenAI's embeddings, as far as servers agree on them."""

import base64
import struct
from typing import Any

from providers.simulated.generate import text_of, vector

_WANTED = "expected a text, a list of texts, token ids or lists of token ids"


def inputs_of(given: Any) -> list[str]:
    """The texts of an `input`: a text, texts, token ids or lists of them. Raises ValueError for anything else."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not given:
        raise ValueError(_WANTED)
    if all(isinstance(part, int) for part in given):
        return [text_of(given)]
    texts: list[str] = []
    for part in given:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, list) and all(isinstance(token, int) for token in part):
            texts.append(text_of(part))
        else:
            raise ValueError(_WANTED)
    return texts


def embedding(text: str, dimensions: int, encoding: str) -> list[float] | str:
    """A text's vector, as numbers or as base64 of little-endian 32-bit floats."""
    values = vector(text, dimensions)
    if encoding == "base64":
        return base64.b64encode(struct.pack(f"<{dimensions}f", *values)).decode()
    return values
