"""Marks of an attempt to speak in another's voice, or to hide what is said."""

import re
from typing import Final

from appliance.redaction.leaf import Leaf, Origin

_OUTSIDE: Final = frozenset({Origin.USER, Origin.TOOL})

# Tokens that chat templates put between the turns. A tokenizer may read them as such wherever they stand.
_MARKERS: Final = re.compile(
    r"<[|\uff5c][^|\uff5c<>\s]{1,40}[|\uff5c]>"
    r"|</?(?:start_of_turn|end_of_turn)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS)\]"
    r"|<</?SYS>>"
    r"|^[ \t]{0,3}###[ \t]{0,3}(?:System|Instruction|Response|Assistant)[ \t]{0,3}:",
    re.MULTILINE,
)
_GAP: Final = r"[\s,;:*_-]{1,8}"
_FILL: Final = rf"(?:(?:all|any|every|each|of|the|these|those|your|my|our){_GAP}){{0,4}}"
_OVERRIDES: Final = re.compile(
    rf"\b(?:ignore|disregard|forget|override|bypass){_GAP}{_FILL}"
    rf"(?:previous|prior|above|earlier|preceding|foregoing|initial|system|safety){_GAP}"
    r"(?:instruction|prompt|rule|message|guideline|direction|command|context|polic)"
    rf"|\b(?:reveal|repeat|print|show|output){_GAP}{_FILL}(?:system|initial|hidden){_GAP}(?:prompt|instruction|message)"
    rf"|\bignorier\w{{0,4}}{_GAP}(?:alle?{_GAP})?(?:(?:die|deine|meine){_GAP})?"
    rf"(?:vorherig|bisherig|obig|vorangegangen|früher)\w{{0,3}}{_GAP}(?:Anweisung|Regel|Vorgabe|Nachricht|Instruktion)"
    rf"|\bignore[rz]?{_GAP}(?:toutes{_GAP})?(?:les|tes|vos){_GAP}(?:instructions|consignes|règles){_GAP}"
    r"(?:précédentes|ci-dessus|antérieures)"
    rf"|\bignor[ae]{_GAP}(?:todas{_GAP})?(?:las|tus|sus){_GAP}(?:instrucciones|reglas){_GAP}(?:anteriores|previas)",
    re.IGNORECASE,
)
_UNSEEN: Final = (
    "\u00ad\u034f\u115f\u1160\u180e\u200b-\u200d\u2060-\u2064\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0100-\U000e01ef"
)
_ZERO_WIDTH: Final = "\u034f\u180e\u200b-\u200d\u2060-\u2064\ufeff"
# Joiners stand inside emoji and between letters of Arabic and Indic scripts; behind a Latin one nothing needs them.
_INVISIBLE: Final = re.compile(f"[{_UNSEEN}]{{3}}|(?<=[!-~\u00c0-\u024f])[{_ZERO_WIDTH}]")
_STRIPPED: Final = re.compile(f"[{_UNSEEN}]+")
_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAGS: Final = re.compile("[\U000e0000-\U000e007f]")
_FLAGS: Final = re.compile(  # England, Scotland, Wales: the only sequences of tags in general use
    "\U0001f3f4(?:\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067"
    "|\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074"
    "|\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073)\U000e007f"
)
_BLOB: Final = re.compile(
    r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{200,}|(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{60,76}\r?\n){3}"
)
_BLOB_HAS: Final = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9]"))


def role_marker(leaf: Leaf) -> bool:
    """A token of a chat template in the text of a user or a tool."""
    return leaf.origin in _OUTSIDE and _MARKERS.search(leaf.text) is not None


def override(leaf: Leaf) -> bool:
    """A phrase that asks to set the instructions aside, with or without unseen characters in it."""
    if leaf.origin not in _OUTSIDE:
        return False
    text = leaf.text
    return _OVERRIDES.search(text if text.isascii() else _STRIPPED.sub("", text)) is not None


def invisible(leaf: Leaf) -> bool:
    """Three unseen characters in a row, or one behind a Latin letter. A mark of byte order at the start is none."""
    text = leaf.text
    return not text.isascii() and _INVISIBLE.search(text.removeprefix("\ufeff")) is not None


def bidi(leaf: Leaf) -> bool:
    """An embedding, an override or an isolate (UAX #9 §2)."""
    return not leaf.text.isascii() and _BIDI.search(leaf.text) is not None


def tags(leaf: Leaf) -> bool:
    """Tag characters, but for the flags that are written with them."""
    text = leaf.text
    if text.isascii() or _TAGS.search(text) is None:
        return False
    return _TAGS.search(_FLAGS.sub("", text)) is not None


def blob(leaf: Leaf) -> bool:
    """200 characters of base64 in a row, or three whole lines of it."""
    return any(all(one.search(found[0]) for one in _BLOB_HAS) for found in _BLOB.finditer(leaf.text))
