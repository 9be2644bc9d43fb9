"""What an operator may call things: said once, for the file, the command line, the admin API and its document."""

import re
from typing import Final

import msgspec

# In Python `$` lets a line break follow; for JSON Schema the look ahead changes nothing.
_END = r"$(?!\n)"
_PART = r"[A-Za-z0-9][A-Za-z0-9._:@+-]*"


class Naming(msgspec.Struct, frozen=True):
    """Which texts are a name. `words` say it to people, after "expected"."""

    pattern: str  # to be searched for; anchored
    longest: int  # characters
    words: str

    def fits(self, text: str) -> bool:
        return len(text) <= self.longest and re.search(self.pattern, text) is not None


# A model's name stands in paths, where `a//b`, `a/../b` and `a/` would be read as something else.
MODEL: Final = Naming(
    rf"^{_PART}(/{_PART})*{_END}",
    128,
    "a name of letters, digits and `._:@+-`, at most 128; single slashes may join parts that each begin with a letter "
    "or digit",
)
LABEL: Final = Naming(rf"^[A-Za-z0-9][A-Za-z0-9._-]*{_END}", 64, "a label of letters, digits and `._-`, at most 64")
KEY: Final = Naming(
    rf"^[A-Za-z0-9][A-Za-z0-9 ._:/@+-]*{_END}", 128, "a name of letters, digits and ` ._:/@+-`, at most 128"
)


def model_named_after(text: str) -> str:
    """A name that `MODEL` takes, as near to what a server calls its model as can be."""
    parts = [re.sub(r"[^A-Za-z0-9._:@+-]", "-", part).strip("-._:@+") for part in text.split("/")]
    return "/".join(part for part in parts if part)[: MODEL.longest].rstrip("/") or "model"
