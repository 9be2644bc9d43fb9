"""Languages an analysis may name. Anything else is refused: a text in it would pass as if it had been looked at."""

from typing import Final

MODELLED: Final = "en"  # the language of the shipped NER model
LANGUAGES: Final = ("de", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "sv")
"""All but the model's own run patterns only."""
ANY: Final = "xx"  # what spaCy calls the language of a model for many; it is asked whatever a policy names
