"""The chain of tags against every path counted one by one, and against small changes of what it is made of."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.redaction.network.chain import NEVER, Floats, Links, best, weigh

TAGS, LONGEST = 3, 4


def links(draw: np.random.Generator) -> Links:
    between = draw.normal(size=(TAGS, TAGS))
    between[0, 2] = NEVER
    return Links(between=between, first=draw.normal(size=TAGS), last=draw.normal(size=TAGS))


def weight(path: tuple[int, ...], scores: Floats, told: Links) -> float:
    steps = sum(told.between[one] for one in itertools.pairwise(path))
    return float(
        told.first[path[0]] + told.last[path[-1]] + sum(scores[at, tag] for at, tag in enumerate(path)) + steps
    )


@given(st.integers(0, 10_000), st.lists(st.integers(1, LONGEST), min_size=1, max_size=4), st.booleans())
def test_the_weight_of_all_paths_and_the_share_of_each_tag_are_those_counted_one_by_one(
    seed: int,
    lengths: list[int],
    narrowed: bool,  # noqa: FBT001 -- drawn by hypothesis
) -> None:
    draw = np.random.default_rng(seed)
    told = links(draw)
    scores = draw.normal(size=(len(lengths), LONGEST, TAGS)) * 3
    allowed = draw.random(scores.shape) > 0.4
    allowed[..., 1] = True  # some path there is

    found = weigh(scores, np.array(lengths), told, allowed if narrowed else None)

    for at, length in enumerate(lengths):
        paths = {
            path: weight(path, scores[at], told)
            for path in itertools.product(range(TAGS), repeat=length)
            if not narrowed or all(allowed[at, word, tag] for word, tag in enumerate(path))
        }
        total = float(np.logaddexp.reduce(list(paths.values())))
        shares = np.zeros((LONGEST, TAGS))
        for path, weighs in paths.items():
            for word, tag in enumerate(path):
                shares[word, tag] += np.exp(weighs - total)
        assert found.log_total[at] == pytest.approx(total)
        assert found.tags[at] == pytest.approx(shares)


@given(st.integers(0, 10_000), st.lists(st.integers(1, LONGEST), min_size=1, max_size=4))
def test_the_best_path_is_the_heaviest_of_all(seed: int, lengths: list[int]) -> None:
    draw = np.random.default_rng(seed)
    told = links(draw)
    scores = draw.normal(size=(len(lengths), LONGEST, TAGS)) * 3

    for at, path in enumerate(best(scores, np.array(lengths), told)):
        every = itertools.product(range(TAGS), repeat=lengths[at])
        assert tuple(path) == max(every, key=lambda one: weight(one, scores[at], told))


@pytest.mark.parametrize("part", ["between", "first", "last"])
def test_expected_steps_are_how_much_the_total_gains_by_a_link(part: str) -> None:
    draw = np.random.default_rng(7)
    told = links(draw)
    scores, lengths = draw.normal(size=(3, LONGEST, TAGS)), np.array([4, 2, 1])
    expected = getattr(weigh(scores, lengths, told), part)

    for place in np.ndindex(expected.shape):
        changed = {name: getattr(told, name).copy() for name in ("between", "first", "last")}
        changed[part][place] += 1e-6
        gained = (weigh(scores, lengths, Links(**changed)).log_total - weigh(scores, lengths, told).log_total).sum()
        assert gained / 1e-6 == pytest.approx(expected[place], abs=1e-4)


def test_scores_far_apart_neither_overflow_nor_vanish() -> None:
    scores = np.array([[[0.0, 900.0, -900.0], [900.0, 0.0, -900.0]]])
    told = Links(between=np.zeros((TAGS, TAGS)), first=np.zeros(TAGS), last=np.zeros(TAGS))

    found = weigh(scores, np.array([2]), told)

    assert found.log_total == pytest.approx([1800.0])
    assert found.tags[0] == pytest.approx(np.array([[0, 1, 0], [1, 0, 0]]))


def test_a_sequence_without_an_allowed_path_weighs_nothing() -> None:
    allowed = np.zeros((1, 2, TAGS), dtype=bool)
    told = Links(between=np.zeros((TAGS, TAGS)), first=np.zeros(TAGS), last=np.zeros(TAGS))

    found = weigh(np.zeros((1, 2, TAGS)), np.array([2]), told, allowed)

    assert found.log_total[0] == -np.inf
    assert not found.tags.any()
    assert not found.between.any()
