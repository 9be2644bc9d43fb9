"""A linear-chain conditional random field over tags (Lafferty, McCallum, Pereira 2001).

Sequences are padded to one length: scores are (sequences, words, tags), lengths are (sequences,).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
NEVER = -1e9  # the score of what may not be


@dataclass(frozen=True, kw_only=True)
class Links:
    """How well tags go together: `between` (tags, tags), `first` and `last` (tags,). NEVER where they may not."""

    between: Floats
    first: Floats
    last: Floats


@dataclass(frozen=True, kw_only=True)
class Weight:
    """What all paths weigh together, and how much of it goes through each place."""

    log_total: Floats  # (sequences,)
    tags: Floats  # (sequences, words, tags): shares, 0 beyond a sequence's end
    between: Floats  # (tags, tags): expected number of such steps in all sequences
    first: Floats  # (tags,)
    last: Floats  # (tags,)


def weigh(scores: Floats, lengths: NDArray[np.int64], links: Links, allowed: NDArray[np.bool_] | None = None) -> Weight:
    """Forward and backward (Rabiner 1989), scaled at every word. `allowed`: as scores; other paths weigh nothing.

    A sequence without any allowed path weighs nothing and has no shares.
    """
    count, longest, tags = scores.shape
    here = np.arange(longest) < lengths[:, None]
    top = scores.max(axis=2, keepdims=True)
    heights = np.exp(scores - top)
    if allowed is not None:
        heights = heights * allowed
    step, first, last = np.exp(links.between), np.exp(links.first), np.exp(links.last)
    ahead = np.zeros((longest, count, tags))
    scale = np.ones((longest, count, 1))
    now = first * heights[:, 0]
    for at in range(longest):
        if at:
            new = (now @ step) * heights[:, at]
            now = np.where(here[:, at, None], new, now)
        scale[at] = np.where(here[:, at, None], np.maximum(now.sum(axis=1, keepdims=True), 1e-300), 1.0)
        now = now / scale[at]
        ahead[at] = now
    end = (now * last).sum(axis=1)
    possible = end > 0
    end = np.where(possible, end, 1.0)
    total = np.log(scale[..., 0]).sum(axis=0) + np.where(here, top[..., 0], 0.0).sum(axis=1) + np.log(end)
    shares = np.zeros((count, longest, tags))
    steps = np.zeros((tags, tags))
    back = np.broadcast_to(last, (count, tags)) / end[:, None] * possible[:, None]
    for at in range(longest - 1, -1, -1):
        inside = here[:, at, None]
        shares[:, at] = np.where(inside, ahead[at] * back, 0.0)
        if at:
            through = heights[:, at] * back / scale[at]
            steps += ahead[at - 1].T @ np.where(inside, through, 0.0)
            back = np.where(inside, through @ step.T, back)
    rows = np.arange(count)
    return Weight(
        log_total=np.where(possible, total, -np.inf),
        tags=shares,
        between=steps * step,
        first=shares[:, 0].sum(axis=0),
        last=shares[rows, lengths - 1].sum(axis=0),
    )


def best(scores: Floats, lengths: NDArray[np.int64], links: Links) -> list[NDArray[np.int64]]:
    """The heaviest path of each sequence (Viterbi 1967)."""
    count, longest, _ = scores.shape
    here = np.arange(longest) < lengths[:, None]
    now = links.first + scores[:, 0]
    came = np.zeros(scores.shape, dtype=np.int64)
    for at in range(1, longest):
        ways = now[:, :, None] + links.between
        came[:, at] = ways.argmax(axis=1)
        now = np.where(here[:, at, None], ways.max(axis=1) + scores[:, at], now)
    tag = (now + links.last).argmax(axis=1)
    paths = np.zeros((count, longest), dtype=np.int64)
    rows = np.arange(count)
    for at in range(longest - 1, -1, -1):
        paths[:, at] = tag
        if at:
            tag = np.where(here[:, at], came[rows, at, tag], tag)
    return [path[:length] for path, length in zip(paths, lengths, strict=True)]
