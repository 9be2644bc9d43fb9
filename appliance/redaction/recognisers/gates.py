"""Necessary conditions, few and shared: each costs states in the one automaton that runs over every text."""

from typing import Final

AT: Final = "@"
SCHEME: Final = "://"
LONG_NUMBER: Final = r"[0-9](?:[ ./\-]{0,2}[0-9]){7}"  # eight digits, as every national identifier has
NUMBER: Final = r"[0-9]{4}"
