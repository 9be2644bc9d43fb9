"""Languages an analysis may name. Anything else is refused: a text in it would pass as if it had been looked at."""

from typing import Final

LANGUAGES: Final = ("de", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "sv")
"""Names are found in those that a model is in use for; a policy that asks for names in another is refused."""
ANY: Final = "xx"  # what spaCy calls the language of a model for many; it is asked whatever a policy names
