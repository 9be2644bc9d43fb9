"""The network, put together of thinc's and spaCy's layers and our own. Weights are 32-bit; a batch is some texts."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

import numpy as np
from spacy.ml import FeatureExtractor, StaticVectors
from spacy.tokens import Doc
from spacy.util import registry
from thinc.api import (
    Dropout,
    Gelu,
    HashEmbed,
    LayerNorm,
    Linear,
    Model,
    chain,
    concatenate,
    list2ragged,
    residual,
    with_array,
)
from thinc.types import Ragged

from appliance.redaction.network.both_ways import both_ways
from appliance.redaction.network.letters import letters
from appliance.redaction.network.stretches import stretches

ARCHITECTURE: Final = "redoubt.Names.v1"
ATTRS: Final = ("NORM", "PREFIX", "SUFFIX", "SHAPE")
Layer: TypeAlias = Model[Any, Any]


@registry.architectures(ARCHITECTURE)
def names(
    width: int, hidden: int, rows: list[int], widths: list[int], letter_width: int, vector_width: int, seed: int
) -> Model[list[Doc], Ragged]:
    """Texts to scores of tags: Ragged, (words, tags) by stretches.

    `rows` and `widths`: of the hashed NORM, PREFIX, SUFFIX, SHAPE of a word; `vector_width`: of what is made of its
    vector, 0 for none; `letter_width`: of what is made of its letters; `width`: read in both directions together;
    `hidden`: between reading and tags.
    """
    tables = enumerate(zip(ATTRS, rows, widths, strict=True))
    norm, *spelling = (_hashed(attr, count, size, seed + at) for at, (attr, count, size) in tables)
    seen = [chain(norm, missing(0.2)), *spelling, letters(letter_width)]
    if vector_width:
        seen.append(chain(cast(Layer, StaticVectors(vector_width)), missing(0.1)))
    output: Layer = Linear()
    read = chain(
        by_stretch(concatenate(*seen)),
        with_array(chain(Dropout(), Linear(width), LayerNorm(width), Dropout())),
        residual(chain(both_ways(width), with_array(chain(LayerNorm(width), Dropout())))),
        with_array(chain(Gelu(hidden, width), Dropout(), output)),
    )
    parts = {"between": None, "first": None, "last": None}
    links: Layer = Model("links", _same, init=_init_links, params=parts, dims={"nO": None})
    return Model("names", _forward, init=_init, layers=[read, links], refs={"output": output, "links": links})


def _hashed(attr: str, rows: int, width: int, seed: int) -> Layer:
    return chain(
        cast(Layer, FeatureExtractor([attr])), list2ragged(), with_array(HashEmbed(width, rows, column=0, seed=seed))
    )


def _forward(model: Layer, X: list[Doc], is_train: bool) -> tuple[Ragged, Callable[[Ragged], list[Doc]]]:
    return cast("tuple[Ragged, Callable[[Ragged], list[Doc]]]", model.layers[0](X, is_train))


def _init(model: Layer, X: Any = None, Y: Any = None) -> None:
    for layer in model.layers:
        layer.initialize(X)


def _same(model: Layer, X: Any, is_train: bool) -> tuple[Any, Callable[[Any], Any]]:
    return X, lambda d_same: d_same


def _init_links(model: Layer, X: Any = None, Y: Any = None) -> None:
    tags = model.get_dim("nO")
    model.set_param("between", np.zeros((tags, tags), dtype=np.float32))
    for edge in ("first", "last"):
        model.set_param(edge, np.zeros(tags, dtype=np.float32))


def missing(share: float) -> Layer:
    """While learning, leaves so large a share of the words without this feature: it must not be needed."""
    return Model("missing", _leave_out, attrs={"share": share})


def _leave_out(model: Layer, X: Ragged, is_train: bool) -> tuple[Ragged, Callable[[Ragged], Ragged]]:
    if not is_train:
        return X, lambda d_kept: d_kept
    kept = (np.random.random(len(X.dataXd)) >= model.attrs["share"])[:, None]  # noqa: NPY002 -- thinc's own generator

    def backprop(d_kept: Ragged) -> Ragged:
        return Ragged(d_kept.dataXd * kept, d_kept.lengths)

    return Ragged(X.dataXd * kept, X.lengths), backprop


def by_stretch(embed: Layer) -> Layer:
    """What `embed` makes of texts, told apart by stretches rather than by texts."""
    return Model("by_stretch", _by_stretch, init=_init, layers=[embed])


def _by_stretch(model: Layer, X: list[Doc], is_train: bool) -> tuple[Ragged, Callable[[Ragged], list[Doc]]]:
    made, backprop = model.layers[0](X, is_train)
    lengths = model.ops.asarray1i([one for doc in X for one in stretches([token.text for token in doc])])
    return Ragged(made.dataXd, lengths), lambda d_made: backprop(Ragged(d_made.dataXd, made.lengths))
