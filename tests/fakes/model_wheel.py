"""Wheels laid out as spaCy's own: a pipeline of rules that knows the names it is given. No official one is at hand."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import spacy

from tests.fakes.bundle import wheel

STOCK = b"""from pathlib import Path
from spacy.util import load_model_from_init_py, get_model_meta


__version__ = get_model_meta(Path(__file__).parent)['version']


def load(**overrides):
    return load_model_from_init_py(__file__, **overrides)
"""
OTHERS = (("MISC", "the budget"),)


def a_wheel(
    folder: Path,
    known: Iterable[tuple[str, str]],
    *,
    language: str = "en",
    name: str = "core_rules_sm",
    more: Mapping[str, bytes] | None = None,
) -> tuple[Path, str]:
    """A wheel of a pipeline that finds `known` (label, words), and its sha256. `more`: members laid over."""
    package = f"{language}_{name}"
    nlp = spacy.blank(language)
    nlp.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": words} for label, words in known])
    nlp.meta.update({"name": name, "version": "3.8.0", "license": "MIT"})
    written = folder / "written"
    nlp.to_disk(written)
    inner = f"{package}/{package}-3.8.0"
    members = {
        f"{inner}/{path.relative_to(written)}": path.read_bytes() for path in written.rglob("*") if path.is_file()
    }
    members |= {f"{package}/__init__.py": STOCK, f"{package}/meta.json": members[f"{inner}/meta.json"]}
    made = wheel(folder, package, "3.8.0", {**members, **(more or {})})
    return made, hashlib.sha256(made.read_bytes()).hexdigest()
