"""A document from elsewhere may hold anything anywhere: it is read, or refused, and never crashes."""

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sbom import bsi, deployed, diff, score, view
from sbom.model import Refused

ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers(-9, 9) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, one in inner for found in places(one, (*path, key)))]


@given(data=some.data())
def test_a_document_with_something_else_in_any_place(data: Any, sbom: bytes) -> None:
    document = copy.deepcopy(json.loads(sbom))
    path = data.draw(some.sampled_from(places(document)[1:]))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(ANYTHING)

    with suppress(Refused):
        read = view.view(json.dumps(document).encode())
        score.score(read, signed=False, schema_valid=True)
        bsi.check(read)
        diff.compare(read, view.view(sbom))
        deployed._shipped(read)


@pytest.mark.parametrize("depth", [900, 100_000])
def test_a_document_without_a_bottom_is_refused(depth: int) -> None:
    nested = '{"components": [' * depth + "]}" * depth
    text = '{"bomFormat": "CycloneDX", "components": [' + nested + "]}"

    with pytest.raises(Refused):
        score.score(view.view(text.encode()), signed=False)


@pytest.mark.parametrize("part", ["components", "metadata", "dependencies", "compositions"])
def test_a_part_of_a_wrong_kind_is_refused(part: str, sbom: bytes) -> None:
    with pytest.raises(Refused, match="wrong shape"):
        view.view(json.dumps({**json.loads(sbom), part: 3}).encode())
