"""What a model's labels are in the words of a policy: one table for our models and for those an operator adds."""

from collections.abc import Iterable
from typing import Final

LABELS: Final = {
    # ours, OntoNotes (spaCy's en, zh, ja, …), and the four of WikiNER and most other languages
    "PERSON": "PERSON", "PER": "PERSON",
    "LOCATION": "LOCATION", "LOC": "LOCATION", "GPE": "LOCATION", "FAC": "LOCATION",
    "ORGANIZATION": "ORGANIZATION", "ORG": "ORGANIZATION",
    "NRP": "NRP", "NORP": "NRP",
    "DATE_TIME": "DATE_TIME", "DATE": "DATE_TIME", "TIME": "DATE_TIME",
    "ADDRESS": "STREET_ADDRESS", "TITLE": "TITLE",
    # Polish
    "persName": "PERSON", "placeName": "LOCATION", "geogName": "LOCATION", "orgName": "ORGANIZATION",
    "date": "DATE_TIME", "time": "DATE_TIME",
    # Swedish
    "PRS": "PERSON", "TME": "DATE_TIME",
}  # fmt: skip
"""Others (MONEY, EVENT, MISC) are not personal data, and are passed over."""


def entities(labels: Iterable[str]) -> tuple[str, ...]:
    """What a model with these labels can find, sorted."""
    return tuple(sorted({LABELS[label] for label in labels if label in LABELS}))
