"""Licences: what each component may be distributed under, whether that is allowed here, and the texts to ship."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec
from boolean import Expression  # type: ignore[import-untyped]  # ships no types
from license_expression import (  # type: ignore[import-untyped]  # ships no types
    AND,
    OR,
    ExpressionError,
    Licensing,
    get_spdx_licensing,
)

from sbom.model import Licence, Native, Refused, Wheel

T = TypeVar("T")

HERE = Path(__file__).parent
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


class Curated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A licence that a person read, for exactly one version."""

    name: str
    version: str
    expression: str
    reason: str
    text_from: str = ""


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`licences.toml`."""

    written: dict[str, str]
    classifiers: dict[str, str]
    curated: tuple[Curated, ...] = ()


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One licence allowed for one component."""

    component: str
    licence: str
    reason: str


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`licence-policy.toml`."""

    allowed: tuple[str, ...]
    exception: tuple[Exemption, ...] = ()

    def allows(self, expression: str, component: str) -> bool:
        """Whether some way to read the expression stays within what is allowed."""
        extra = {one.licence for one in self.exception if one.component == component}
        return _allowed(parsed(expression), frozenset(self.allowed) | extra)


def reading(path: Path = HERE / "licences.toml") -> Reading:
    return _load(path, Reading)


def policy(path: Path = HERE / "licence-policy.toml") -> Policy:
    """Raises Refused for an unreadable file or an exception without a reason."""
    found = _load(path, Policy)
    for one in found.exception:
        if not one.reason.strip():
            raise Refused(f"{path.name}: the exception for `{one.component}` has no reason; write why it is allowed")
    return found


def _load(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError) as error:
        raise Refused(f"{path.name}: {error}") from error


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()  # 2,500 licences; read once


def normal(expression: str) -> str:
    """The expression as SPDX writes it. Raises Refused for an id that SPDX does not know."""
    checked = _spdx().validate(expression)
    if checked.errors or not checked.normalized_expression:
        raise Refused(f"`{expression}` is no SPDX licence expression: {'; '.join(checked.errors)}")
    return str(checked.normalized_expression)


def valid(expression: str) -> bool:
    try:
        return bool(normal(expression))
    except Refused:
        return False


def parsed(expression: str) -> Expression:
    try:
        return _spdx().parse(expression)
    except ExpressionError as error:
        raise Refused(f"`{expression}` is no SPDX licence expression: {error}") from error


def _allowed(node: Expression, allowed: frozenset[str]) -> bool:
    if isinstance(node, OR):
        return any(_allowed(one, allowed) for one in node.args)
    if isinstance(node, AND):
        return all(_allowed(one, allowed) for one in node.args)
    return str(node) in allowed


def keys(expression: str) -> tuple[str, ...]:
    """Every licence id in an expression; `X WITH Y` gives both."""
    return tuple(sorted({str(key) for key in _spdx().license_keys(parsed(expression))}))


def category(key: str) -> str:
    """AboutCode's category of an id: `Permissive`, `Copyleft Limited`; empty when unknown."""
    return _categories().get(key, "")


@cache
def _categories() -> dict[str, str]:
    return {
        key: str(one.get("category") or "")
        for one in msgspec.json.decode(_index().read_bytes())
        for key in (one.get("spdx_license_key"), *one.get("other_spdx_license_keys", ()))
        if key
    }


def _index() -> Path:
    module = Path(get_spdx_licensing.__code__.co_filename)
    return module.parent / "data" / "scancode-licensedb-index.json"


def read(wheel: Wheel, told: Reading) -> Licence:
    """The licence of a wheel. Raises Refused when none can be read: an unknown licence is never shipped."""
    if written := wheel.metadata.get("license_expression"):
        return Licence(normal(written[0]), normal(written[0]), "License-Expression")
    for one in told.curated:
        if (one.name, one.version) == (wheel.name, wheel.version):
            return Licence(normal(one.expression), normal(one.expression), f"curated: {one.reason}")
    for expression, source in _guesses(wheel, told):
        return Licence(normal(expression), normal(expression), source)
    raise Refused(
        f"the licence of `{wheel.name}` {wheel.version} is unknown (License: "
        f"`{_first_line(wheel)}`); read its files and add it to sbom/licences.toml"
    )


def _guesses(wheel: Wheel, told: Reading) -> Iterator[tuple[str, str]]:
    named = [one for one in wheel.metadata.get("classifiers", ()) if one in told.classifiers]
    line = _first_line(wheel)
    if line in told.written:
        yield told.written[line], "License"
    if len(named) == 1:  # two may mean `or` as well as `and`: a person decides
        yield told.classifiers[named[0]], "classifiers"


def _first_line(wheel: Wheel) -> str:
    return next(iter(wheel.metadata.get("license", [""])), "").strip().split("\n", 1)[0].strip()


def check(expression: str, component: str, allowed: Policy) -> None:
    """Raises Refused for a licence the policy does not allow."""
    if not allowed.allows(expression, component):
        raise Refused(
            f"the licence `{expression}` of `{component}` is not allowed by sbom/licence-policy.toml; "
            "replace the component, or add an exception with its reason"
        )


def texts_of(wheel: Wheel, licence: Licence, told: Reading) -> dict[str, bytes]:
    """File name -> text, to lie in `licences/<name>-<version>/`. Raises Refused when there is none to ship."""
    if wheel.licence_files:
        return {_safe(path): text for path, text in wheel.licence_files}
    for one in told.curated:
        if (one.name, one.version) == (wheel.name, wheel.version) and one.text_from in wheel.leading_text:
            return {"LICENSE.txt": wheel.leading_text[one.text_from].encode()}
    author = next(iter(wheel.metadata.get("author", [])), f"the authors of {wheel.name}")
    return _standard(licence.expression, author, f"wheel `{wheel.file}` ships no licence text")


def texts_of_native(native: Native, allowed: Policy) -> dict[str, bytes]:
    """The standard texts of what a library inside a wheel is under; of `A OR B` those that are allowed."""
    chosen = " AND ".join(key for key in keys(native.licence) if allowed.allows(key, native.name))
    holder = native.copyright or f"Copyright (c) {native.party.name}"
    return _standard(chosen or native.licence, holder, f"library `{native.name}`")


def _standard(expression: str, holder: str, what: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for key in keys(expression):
        file = HERE / "texts" / f"{key}.txt"
        if not file.is_file():
            raise Refused(f"{what}: no text of `{key}` lies in sbom/texts; add the standard text")
        line = holder if holder.startswith("Copyright") else f"Copyright (c) {holder}"
        found[f"{key}.txt"] = f"{line}\n\n{file.read_text(encoding='utf-8')}".encode()
    return found


def folder(name: str, version: str) -> str:
    """Where the texts of a component lie in a bundle."""
    return f"licences/{_safe(f'{name}-{version}')}"


def _safe(path: str) -> str:
    """A path of the bundle's alphabet (decision 0009): no segment begins with `.` or `-`."""
    parts = (_UNSAFE.sub("_", part).lstrip(".-") or "_" for part in path.split("/"))
    return "/".join(parts)
