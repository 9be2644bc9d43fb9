"""Reading the schema's type annotations: what a field may hold, and what `Meta` says of it. Pure."""

import types
from typing import Annotated, Union, get_args, get_origin

import msgspec

_UNIONS = {Union, types.UnionType}


def alternatives(hint: object) -> list[object]:
    """The members of a union, without their annotations."""
    if get_origin(hint) is Annotated:
        return alternatives(get_args(hint)[0])
    if get_origin(hint) in _UNIONS:
        return [inner for one in get_args(hint) for inner in alternatives(one)]
    return [hint]


def struct_in(hint: object) -> type[msgspec.Struct] | None:
    """The struct among the alternatives."""
    for one in alternatives(hint):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one
    return None


def item_type(hint: object) -> object | None:
    """What the items of a list are, when a list is among the alternatives."""
    return _argument(hint, tuple, 0)


def name_type(hint: object) -> object | None:
    """What the free names of a mapping are, when there is one among the alternatives."""
    return _argument(hint, dict, 0)


def value_type(hint: object) -> object | None:
    """What the values of a mapping with free names are, when there is one among the alternatives."""
    return _argument(hint, dict, 1)


def meta(hint: object, name: str) -> str:
    """The innermost `title` or `description` of an annotated type; of a union, the first there is."""
    if get_origin(hint) in _UNIONS:
        return next((text for one in get_args(hint) if (text := meta(one, name))), "")
    if get_origin(hint) is not Annotated:
        return ""
    inner, *notes = get_args(hint)
    return meta(inner, name) or next((str(getattr(note, name)) for note in notes if getattr(note, name, None)), "")


def bound(hint: object, name: str) -> float | None:
    """The `le` or `max_length` of an annotated type; of a union, the first there is."""
    if get_origin(hint) in _UNIONS:
        return next((found for one in get_args(hint) if (found := bound(one, name)) is not None), None)
    if get_origin(hint) is not Annotated:
        return None
    inner, *notes = get_args(hint)
    own = (getattr(note, name, None) for note in notes)
    return next((found for found in own if found is not None), bound(inner, name))


def _argument(hint: object, container: type, at: int) -> object | None:
    for one in alternatives(hint):
        if get_origin(one) is container:
            return get_args(one)[at]  # type: ignore[no-any-return]  # typing gives Any for a type's arguments
    return None
