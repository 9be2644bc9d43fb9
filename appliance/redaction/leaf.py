"""The strings of a body that may carry personal data, and where each stands."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

from appliance.domain.upstream import Body
from appliance.redaction import schema
from appliance.redaction.embedded import Span

Step = str | int
Path = tuple[Step, ...]


class Origin(StrEnum):
    """Who says it."""

    SITE = "site"  # system and developer messages, tools, schemas, the rest of the request
    USER = "user"
    TOOL = "tool"
    MODEL = "model"


ORIGINS: Final = {
    "system": Origin.SITE,
    "developer": Origin.SITE,
    "assistant": Origin.MODEL,
    "tool": Origin.TOOL,
    "function": Origin.TOOL,
}  # any other role is a user's


class Leaf:
    """One string. `text` is what is analysed; `raw` what stands in the body; they differ in JSON that travels as text.

    `spans` are the values of such JSON; None for plain text.
    """

    __slots__ = ("origin", "path", "raw", "spans", "text")

    def __init__(self, path: Path, raw: str, origin: Origin) -> None:
        self.path = path
        self.raw = self.text = raw
        self.origin = origin
        self.spans: tuple[Span, ...] | None = None

    @property
    def where(self) -> str:
        """The place, for errors: names of fields we know, `*` for words of the client's own."""
        shown = ""
        for depth, step in enumerate(self.path):
            if isinstance(step, int):
                shown += f"[{step}]"
            else:
                known = schema.FIELDS if depth == 0 else schema.STEPS
                shown += ("." if shown else "") + (step if step in known or step == "choices" else "*")
        return shown

    def __repr__(self) -> str:
        return f"Leaf({self.where})"


class Leaves(Sequence[Leaf]):
    """The leaves of one body, in order, and the words in it that may not be changed but look like a placeholder."""

    __slots__ = ("_found", "body", "fixed")

    def __init__(self, body: Body, found: list[Leaf], fixed: list[str]) -> None:
        self.body = body
        self._found = found
        self.fixed = fixed

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Leaf]:
        return iter(self._found)

    def __getitem__(self, index: Any) -> Any:
        return self._found[index]

    @property
    def texts(self) -> list[str]:
        return [leaf.text for leaf in self._found]

    def __repr__(self) -> str:
        return f"Leaves({len(self._found)})"
