"""A long short-term memory network (Hochreiter, Schmidhuber 1997) that reads every sequence forwards and backwards.

thinc's own drops words of the shorter sequences of a batch on the way back (8.3, `lstm_forward_training`: "Not 100%
sure this is right"), and its other needs PyTorch.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model, glorot_uniform_init
from thinc.types import Ragged

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]


def both_ways(width: int) -> Model[Ragged, Ragged]:
    """`width` in and out, half of it for each way."""
    return Model("both_ways", _forward, init=_init, params={"in": None, "on": None, "bias": None}, dims={"nO": width})


def _init(model: Model[Ragged, Ragged], X: Any = None, Y: Any = None) -> None:
    width = model.get_dim("nO")
    half = width // 2
    model.set_param("in", np.ascontiguousarray(glorot_uniform_init(model.ops, (width, 8 * half))))
    model.set_param("on", np.stack([glorot_uniform_init(model.ops, (half, 4 * half)) for _ in range(2)]))
    bias = np.zeros((2, 4 * half), dtype=np.float32)
    bias[:, half : 2 * half] = 1.0  # at first nothing is forgotten
    model.set_param("bias", bias)


class Order:
    """Words by their place in a sequence, longest sequences first, so that those still going on are always the first.

    `words[way]` holds which word of the flat array comes where; the words of step `t` are `steps[t]`.
    """

    def __init__(self, lengths: Ints) -> None:
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        rank = np.argsort(-lengths, kind="stable")
        lengths, starts = lengths[rank], starts[rank]
        going = [int((lengths > at).sum()) for at in range(int(lengths.max(initial=0)))]
        ends = np.cumsum(going, dtype=np.int64)
        self.steps = [slice(int(end) - many, int(end)) for end, many in zip(ends, going, strict=True)]
        forth = [starts[:many] + at for at, many in enumerate(going)]
        back = [starts[:many] + lengths[:many] - 1 - at for at, many in enumerate(going)]
        self.words = np.stack([np.concatenate(forth), np.concatenate(back)]) if going else np.zeros((2, 0), np.int64)


def _forward(model: Model[Ragged, Ragged], X: Ragged, is_train: bool) -> tuple[Ragged, Callable[[Ragged], Ragged]]:
    order = Order(np.asarray(X.lengths, dtype=np.int64))
    weights, on = model.get_param("in"), model.get_param("on")
    half = on.shape[1]
    flat: Floats = X.dataXd
    summed = (flat @ weights).reshape(len(flat), 2, 4 * half) + model.get_param("bias")
    gates = np.stack([summed[order.words[way], way] for way in range(2)])  # in place: sums, then gates
    cells = np.empty((2, len(flat), half), dtype=np.float32)
    out = np.empty_like(cells)
    for at, step in enumerate(order.steps):
        gate = gates[:, step]
        earlier = slice(order.steps[at - 1].start, order.steps[at - 1].start + gate.shape[1])
        if at:
            gate += out[:, earlier] @ on
        _open(gate, half)
        cell = gate[..., :half] * gate[..., 3 * half :]
        if at:
            cell += gate[..., half : 2 * half] * cells[:, earlier]
        cells[:, step] = cell
        out[:, step] = gate[..., 2 * half : 3 * half] * np.tanh(cell)

    def backprop(d_read: Ragged) -> Ragged:
        d_out = np.stack([d_read.dataXd[order.words[way], way * half : (way + 1) * half] for way in range(2)])
        d_gates = _backward(order, gates, cells, d_out, on)
        held = np.zeros_like(out)
        for first, second in pairwise(order.steps):
            held[:, second] = out[:, first][:, : second.stop - second.start]
        model.inc_grad("on", held.transpose(0, 2, 1) @ d_gates)
        model.inc_grad("bias", d_gates.sum(axis=1))
        d_summed = np.empty((len(flat), 2, 4 * half), dtype=np.float32)
        for way in range(2):
            d_summed[order.words[way], way] = d_gates[way]
        d_flat = d_summed.reshape(len(flat), 8 * half)
        model.inc_grad("in", flat.T @ d_flat)
        return Ragged(d_flat @ weights.T, X.lengths)

    read = np.empty((len(flat), 2 * half), dtype=np.float32)
    for way in range(2):
        read[order.words[way], way * half : (way + 1) * half] = out[way]
    return Ragged(read, X.lengths), backprop


def _open(gate: Floats, half: int) -> None:
    """Sums become gates, in place: what comes in, what stays, what goes out (0 to 1), and what is new (-1 to 1)."""
    soft = gate[..., : 3 * half]
    soft *= 0.5
    np.tanh(gate, out=gate)
    soft *= 0.5
    soft += 0.5


def _backward(order: Order, gates: Floats, cells: Floats, d_out: Floats, on: Floats) -> Floats:
    half = on.shape[1]
    d_gates = np.empty_like(gates)
    turned = on.transpose(0, 2, 1)
    d_later = d_kept = np.zeros((2, 0, half), dtype=np.float32)  # what the words after these ask of them
    for at in range(len(order.steps) - 1, -1, -1):
        step = order.steps[at]
        comes, stays, goes, new = np.split(gates[:, step], 4, axis=2)
        d_read = d_out[:, step]
        d_cell = np.zeros_like(d_read)
        d_read[:, : d_later.shape[1]] += d_later
        d_cell[:, : d_later.shape[1]] = d_kept
        bent = np.tanh(cells[:, step])
        d_cell += d_read * goes * (1 - bent**2)
        before = cells[:, order.steps[at - 1]][:, : d_cell.shape[1]] if at else np.zeros_like(d_cell)
        d_gate = d_gates[:, step]
        d_gate[..., :half] = d_cell * new * comes * (1 - comes)
        d_gate[..., half : 2 * half] = d_cell * before * stays * (1 - stays)
        d_gate[..., 2 * half : 3 * half] = d_read * bent * goes * (1 - goes)
        d_gate[..., 3 * half :] = d_cell * comes * (1 - new**2)
        d_kept = d_cell * stays
        d_later = d_gate @ turned
    return d_gates
