"""The models that a release brings: `models/index.json` says where each lies, and which sha256 its `SHA256SUMS` has."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from appliance.domain.errors import ConfigError

PII_MODELS: Final = MappingProxyType({"en": "redoubt_pii_ner_en", "de": "redoubt_pii_ner_de"})
"""Those of ours that find names, by language. The small one for unit tests has another name, and is never taken."""
_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_AGAIN: Final = "install the release again"


class Shipped(msgspec.Struct, frozen=True):
    """A model to load, and what its `SHA256SUMS` must hash to."""

    folder: Path
    sha256: str


class _Line(msgspec.Struct, frozen=True):
    name: str
    folder: Annotated[str, Meta(pattern=rf"^{_WORD}/{_WORD}$")]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


def shipped_models(release: Path | None) -> Mapping[str, Shipped]:
    """The models of `release` that find names, by language; none for a checkout, and for a release without one.

    Raises ConfigError when a model is listed and is not there, or when the list is not as an installer writes it.
    """
    place = None if release is None else release / "models"
    if place is None or not place.exists():
        return {}
    lines = _lines(place / "index.json")
    found = {language: _shipped(place, name, lines) for language, name in PII_MODELS.items()}
    return {language: one for language, one in found.items() if one is not None}


def _shipped(place: Path, name: str, lines: list[_Line]) -> Shipped | None:
    listed = [one for one in lines if one.name == name]
    if not listed:
        return None
    if len(listed) > 1:
        raise ConfigError(f"the release lists `{name}` {len(listed)} times; {_AGAIN}")
    folder = place / listed[0].folder
    if not (folder / "SHA256SUMS").is_file():
        raise ConfigError(f"the release lists the model `{listed[0].folder}`, which is not there; {_AGAIN}")
    return Shipped(folder, listed[0].sha256)


def _lines(index: Path) -> list[_Line]:
    try:
        return msgspec.json.decode(index.read_bytes(), type=list[_Line])
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"the release's list of models cannot be read; {_AGAIN}", file=str(index)) from error
