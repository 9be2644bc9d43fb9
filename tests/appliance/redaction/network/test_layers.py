"""Each layer of ours against small changes of its weights, and against itself, one text at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
from thinc.api import Model, fix_random_seed
from thinc.types import Ragged

from appliance.redaction.network.both_ways import both_ways
from appliance.redaction.network.letters import HEAD, TAIL, letters, spelled

LENGTHS = [3, 5, 1, 2]


@pytest.fixture(autouse=True)
def seeded() -> None:
    fix_random_seed(1)


def ragged(width: int) -> Ragged:
    draw = np.random.default_rng(3)
    return Ragged(draw.normal(size=(sum(LENGTHS), width)).astype("f"), np.array(LENGTHS, dtype="i"))


def check_gradient(weights: Any, slope: Any, loss: Callable[[], float], by: float) -> None:
    draw = np.random.default_rng(4)
    for _ in range(25):
        place = tuple(draw.integers(0, size) for size in weights.shape)
        kept = weights[place]
        weights[place] = kept + by
        above = loss()
        weights[place] = kept - by
        below = loss()
        weights[place] = kept
        assert (above - below) / (2 * by) == pytest.approx(slope[place], abs=3e-3, rel=1e-2)


def taught(model: Model[Any, Any], texts: Any) -> tuple[Any, Callable[[], float]]:
    """What flows back for a loss that weighs each number at random; and that loss."""
    read, backprop = model(texts, is_train=True)
    wanted = np.random.default_rng(5).normal(size=read.dataXd.shape).astype("f")
    back = backprop(Ragged(wanted.copy(), read.lengths))
    return back, lambda: float((model.predict(texts).dataXd.astype(np.float64) * wanted).sum())


def test_reading_both_ways_learns_by_its_gradient() -> None:
    model, texts = both_ways(8), ragged(8)
    model.initialize()
    back, loss = taught(model, texts)

    check_gradient(texts.dataXd, back.dataXd, loss, 1e-2)
    for name in ("in", "on", "bias"):
        check_gradient(model.get_param(name), model.get_grad(name), loss, 1e-2)


def test_a_text_is_read_alike_alone_and_among_others_of_other_lengths() -> None:
    model, texts = both_ways(8), ragged(8)
    model.initialize()
    together = model.predict(texts).dataXd

    at = 0
    for length in LENGTHS:
        alone = model.predict(Ragged(texts.dataXd[at : at + length], np.array([length], dtype="i"))).dataXd
        assert together[at : at + length] == pytest.approx(alone, abs=1e-6)
        at += length


def test_the_last_word_is_known_when_the_first_is_read() -> None:
    model, texts = both_ways(8), ragged(8)
    model.initialize()
    before = model.predict(texts).dataXd[0].copy()

    texts.dataXd[LENGTHS[0] - 1] += 1.0

    after = model.predict(texts).dataXd[0]
    assert np.array_equal(before[:4], after[:4])  # forwards, it has not been seen
    assert not np.allclose(before[4:], after[4:])


def test_letters_learn_by_their_gradient() -> None:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc("Anna went home, Anna smiled."), nlp.make_doc("Internationalisation-of-things \n ok")]
    model = letters(6, 4)
    model.initialize(docs)
    _, loss = taught(model, docs)

    for name in ("bias", "traces", "letters"):  # small changes, lest another trace becomes the strongest
        check_gradient(model.get_param(name), model.get_grad(name), loss, 2e-4)


def test_of_a_long_word_its_two_ends_are_read_and_of_a_short_one_all() -> None:
    assert list(spelled("Ann")) == [1 + ord("A"), 1 + ord("n"), 1 + ord("n"), *[0] * (HEAD + TAIL - 3)]
    assert list(spelled("a" * 8 + "?" * 900 + "z" * 6)) == [1 + ord("a")] * HEAD + [1 + ord("z")] * TAIL
    assert spelled("Ω" * 20).max() < 1 + 128 + 64
