"""What a word looks like, letter by letter: three letters at a time, the strongest of each kind of trace kept.

After dos Santos, Zadrozny 2014 and Ma, Hovy 2016.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model, glorot_uniform_init, uniform_init
from thinc.types import Ragged

Floats: TypeAlias = NDArray[np.float32]
HEAD: Final = 8
TAIL: Final = 6  # letters of a long word that are read: its first and its last
KINDS: Final = 1 + 128 + 64  # no letter; ASCII; all others, folded


def letters(width: int, letter: int = 24) -> Model[list[Doc], Ragged]:
    """`width` kinds of trace for each word; a letter is `letter` numbers."""
    return Model(
        "letters",
        _forward,
        init=_init,
        params={"letters": None, "traces": None, "bias": None},
        dims={"nO": width, "letter": letter},
    )


def _init(model: Model[list[Doc], Ragged], X: Any = None, Y: Any = None) -> None:
    width, letter = model.get_dim("nO"), model.get_dim("letter")
    model.set_param("letters", uniform_init(model.ops, (KINDS, letter), lo=-0.35, hi=0.35))
    model.set_param("traces", np.ascontiguousarray(glorot_uniform_init(model.ops, (3 * letter, width))))
    model.set_param("bias", np.zeros(width, dtype=np.float32))


def spelled(word: str) -> NDArray[np.int64]:
    """(HEAD + TAIL,): kinds of letters, 0 behind the last."""
    read = word if len(word) <= HEAD + TAIL else word[:HEAD] + word[-TAIL:]
    found = np.zeros(HEAD + TAIL, dtype=np.int64)
    found[: len(read)] = [1 + (ord(one) if ord(one) < 128 else 128 + ord(one) % 64) for one in read]
    return found


def _forward(
    model: Model[list[Doc], Ragged], docs: list[Doc], is_train: bool
) -> tuple[Ragged, Callable[[Ragged], list[Doc]]]:
    words: dict[str, int] = {}
    places = np.array([words.setdefault(token.text, len(words)) for doc in docs for token in doc], dtype=np.int64)
    lengths = model.ops.asarray1i([len(doc) for doc in docs])
    table, traces = model.get_param("letters"), model.get_param("traces")
    width, letter = traces.shape[1], table.shape[1]
    if not words:
        return Ragged(np.zeros((0, width), dtype=np.float32), lengths), lambda _: []
    kinds = np.stack([spelled(word) for word in words])
    there = (kinds > 0)[..., None]
    read = table[kinds] * there
    threes = np.zeros((*kinds.shape, 3 * letter), dtype=np.float32)
    threes[:, 1:, :letter] = read[:, :-1]
    threes[:, :, letter : 2 * letter] = read
    threes[:, :-1, 2 * letter :] = read[:, 1:]
    found = np.where(there, threes @ traces + model.get_param("bias"), -1.0)
    at = found.argmax(axis=1)[:, None]
    top = np.take_along_axis(found, at, axis=1)[:, 0]

    def backprop(d_out: Ragged) -> list[Doc]:
        d_top = np.zeros_like(top)
        np.add.at(d_top, places, d_out.dataXd)
        d_top *= top > 0
        d_found = np.zeros_like(found)
        np.put_along_axis(d_found, at, d_top[:, None], axis=1)
        flat, d_flat = threes.reshape(-1, 3 * letter), d_found.reshape(-1, width)
        model.inc_grad("traces", flat.T @ d_flat)
        model.inc_grad("bias", d_top.sum(axis=0))
        d_threes = (d_flat @ traces.T).reshape(threes.shape)
        d_read = d_threes[:, :, letter : 2 * letter].copy()
        d_read[:, :-1] += d_threes[:, 1:, :letter]
        d_read[:, 1:] += d_threes[:, :-1, 2 * letter :]
        d_table = np.zeros_like(table)
        np.add.at(d_table, kinds.reshape(-1), (d_read * there).reshape(-1, letter))
        model.inc_grad("letters", d_table)
        return []

    return Ragged(np.maximum(top, 0.0)[places], lengths), backprop
