"""A model folder that knows a few names: a spaCy pipeline of rules, written and listed like the shipped one."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import spacy

from appliance.redaction.worker.model import MANIFEST

KNOWN = (
    ("PERSON", "Tom Baker"),
    ("PERSON", "Anna Lenz"),
    ("GPE", "Paris"),
    ("ORG", "Example Corp"),
    ("MONEY", "ten dollars"),
)
GERMANS = (("PER", "Jürgen Klopfer"), ("LOC", "Bad Beispiel"), ("ORG", "Beispiel AG"), ("MISC", "Maß"))
"""Under the labels of spaCy's own German models."""


def write(folder: Path, language: str = "en", known: Iterable[tuple[str, str]] = KNOWN) -> str:
    """The sha256 of its manifest."""
    nlp = spacy.blank(language)
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": text} for label, text in known])
    nlp.add_pipe("sentencizer")
    nlp.meta.update({"name": "rules", "version": "0.0.1"})
    nlp.to_disk(folder)
    return listed(folder)


def listed(folder: Path) -> str:
    """Write the manifest of what is there now; its sha256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    lines = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n" for path in files
    )
    (folder / MANIFEST).write_text(lines)
    return hashlib.sha256(lines.encode()).hexdigest()
