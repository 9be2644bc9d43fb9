"""Every string of a body that may carry personal data, in an order that a longer conversation does not change.

A field that is not known to be structure is walked: what a server learns to read tomorrow is looked at today. Never
visited: keys, roles, ids, names of tools, `enum` and `const` of a schema, grammars. Descriptions of tools are: they are
written by people about people, and cost nothing once the cache knows them.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

from appliance.domain.privacy import Media
from appliance.domain.upstream import Body, Kind
from appliance.redaction import schema
from appliance.redaction.embedded import Span, decoded
from appliance.redaction.opaque import is_media, refuse_unreadable, settle
from appliance.redaction.restore import BRACKETED

Step = str | int
Path = tuple[Step, ...]


class Origin(StrEnum):
    """Who says it."""

    SITE = "site"  # system and developer messages, tools, schemas, the rest of the request
    USER = "user"
    TOOL = "tool"
    MODEL = "model"


_ORIGINS: Final = {
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


def leaves(kind: Kind, body: Body, media: Media = Media.BLOCK) -> Leaves:
    """The leaves of a request that is to be redacted; `.body` lacks the media that were stripped.

    Raises ContentBlocked, naming the field: token ids, an embedded prompt, or media under `Media.BLOCK`.
    """
    refuse_unreadable(body)
    return glance(kind, settle(body, media))


def glance(kind: Kind, body: Body) -> Leaves:
    """The leaves of a request that is only looked at: what cannot be read is passed over."""
    walk = _Walk()
    for field in schema.FIRST:
        value = body.get(field)
        if value is not None:
            walk.field(field, value)
    own = Origin.SITE if kind is Kind.CHAT else Origin.USER
    for field in sorted(body.keys() - schema.STRUCTURE - _FIRST):
        walk.anything(body[field], (field,), own if field in _PROMPTS else Origin.SITE)
    return Leaves(body, walk.found, walk.fixed)


_FIRST: Final = frozenset(schema.FIRST)
_PROMPTS: Final = frozenset({"input", "prompt", "suffix"})
_NOTHING: Final[frozenset[str]] = frozenset()


def answer_leaves(body: Body) -> Leaves:
    """The leaves of a whole answer: texts, thoughts, refusals and arguments of every choice."""
    walk = _Walk()
    choices = body.get("choices")
    for at, choice in enumerate(choices if isinstance(choices, list) else ()):
        if not isinstance(choice, dict):
            continue
        walk.text(choice.get("text"), ("choices", at, "text"), Origin.MODEL)
        if isinstance(choice.get("message"), dict):
            walk.message(choice["message"], ("choices", at, "message"))
    return Leaves(body, walk.found, walk.fixed)


def rewrite(found: Leaves, texts: Sequence[str]) -> Body:
    """The body with each leaf's `raw` replaced by the text of the same place in `texts`.

    Copied along changed paths only, the rest is shared; the body that was walked is not changed.
    """
    body = found.body
    if len(texts) != len(found):
        raise ValueError("one text for each leaf, in order")
    root: Any = None
    copies: dict[Path, Any] = {}
    for leaf, text in zip(found, texts, strict=True):
        if text is leaf.raw or text == leaf.raw:
            continue
        root = dict(body) if root is None else root
        node, path = root, leaf.path
        for depth in range(1, len(path)):
            here = path[:depth]
            child = copies.get(here)
            if child is None:
                child = copies[here] = node[path[depth - 1]].copy()
                node[path[depth - 1]] = child
            node = child
        node[path[-1]] = text
    return body if root is None else root


class _Walk:
    """Collects. Keys are taken by the alphabet: the order a client writes them in says nothing, and may change."""

    __slots__ = ("fixed", "found")

    def __init__(self) -> None:
        self.found: list[Leaf] = []
        self.fixed: list[str] = []

    def field(self, name: str, value: Any) -> None:
        path = (name,)
        if name == "messages" and isinstance(value, list):
            for at, message in enumerate(value):
                if isinstance(message, dict):
                    self.message(message, (name, at))
                else:
                    self.anything(message, (name, at), Origin.USER)
        elif name in {"tools", "functions"} and isinstance(value, list):
            for at, tool in enumerate(value):
                self.tool(tool, (name, at))
        elif name == "guided_json" and isinstance(value, dict):
            self.schema(value, path)
        elif name in {"response_format", "structured_outputs"}:
            self.shape(value, path)
        else:
            self.anything(value, path, Origin.SITE)

    def text(self, value: Any, path: Path, origin: Origin) -> None:
        if type(value) is str and value:
            self.found.append(Leaf(path, value, origin))

    def json(self, value: Any, path: Path, origin: Origin) -> None:
        """A text that may be JSON; an object, as some clients send arguments, is walked as it is."""
        if type(value) is not str:
            self.anything(value, path, origin, _NOTHING)
        elif value:
            leaf = Leaf(path, value, origin)
            read = decoded(value)
            if read is not None:
                leaf.text, leaf.spans = read
                if "[" in leaf.text:
                    self.keep_keys(leaf.text, read[1])
            self.found.append(leaf)

    def anything(self, value: Any, path: Path, origin: Origin, structure: frozenset[str] | None = None) -> None:
        if type(value) is str:
            if value:
                self.found.append(Leaf(path, value, origin))
        elif type(value) is list:
            for at, item in enumerate(value):
                self.anything(item, (*path, at), origin, structure)
        elif type(value) is dict:
            if structure is None:
                structure = _NOTHING if path[0] == "metadata" else schema.ANY_STRUCTURE
            for key in sorted(value.keys() - structure):
                self.anything(value[key], (*path, key), origin, structure)

    def message(self, message: Body, path: Path) -> None:
        role = message.get("role")
        origin = _ORIGINS.get(role, Origin.USER) if isinstance(role, str) else Origin.USER
        tool = origin is Origin.TOOL
        for key in sorted(message):
            value = message[key]
            if value is None or key in schema.MESSAGE_STRUCTURE:
                continue
            if key == "content":
                self.content(value, (*path, key), origin)
            elif key == "tool_calls" and type(value) is list:
                for at, call in enumerate(value):
                    self.call(call, (*path, key, at))
            elif key == "function_call" and type(value) is dict:
                self.function(value, (*path, key))
            elif key != "name" or not tool:
                self.anything(value, (*path, key), origin)

    def content(self, value: Any, path: Path, origin: Origin) -> None:
        say = self.json if origin is Origin.TOOL else self.text
        if type(value) is str:
            say(value, path, origin)
        elif type(value) is list:
            for at, part in enumerate(value):
                if type(part) is not dict:
                    self.anything(part, (*path, at), origin)
                elif is_media(part):
                    self.anything(part, (*path, at), origin, schema.PAYLOAD)
                else:
                    for key in sorted(part.keys() - schema.PART_STRUCTURE):
                        inner = part[key]
                        if type(inner) is str:
                            say(inner, (*path, at, key), origin)
                        else:
                            self.anything(inner, (*path, at, key), origin)
        else:
            self.anything(value, path, origin)

    def call(self, call: Any, path: Path) -> None:
        if type(call) is not dict:
            self.anything(call, path, Origin.MODEL)
            return
        for key in sorted(call.keys() - schema.CALL_STRUCTURE):
            value = call[key]
            if key in {"function", "custom"} and type(value) is dict:
                self.function(value, (*path, key))
            else:
                self.anything(value, (*path, key), Origin.MODEL)

    def function(self, function: Body, path: Path) -> None:
        for key in sorted(function):
            if key == "arguments":
                self.json(function[key], (*path, key), Origin.MODEL)
            elif key != "name":  # the `input` of a custom tool is a text, whatever it looks like
                self.anything(function[key], (*path, key), Origin.MODEL)

    def tool(self, tool: Any, path: Path) -> None:
        if type(tool) is not dict:
            self.anything(tool, path, Origin.SITE)
            return
        for key in sorted(tool):
            value, here = tool[key], (*path, key)
            if key in {"function", "custom"}:
                self.tool(value, here)
            elif key in {"parameters", "input_schema"}:
                self.schema(value, here)
            elif key not in {"name", "type", "format"}:
                self.anything(value, here, Origin.SITE)

    def shape(self, shape: Any, path: Path) -> None:
        """`response_format` or `structured_outputs`: words in descriptions and schemas, none in a grammar."""
        if type(shape) is not dict:
            self.anything(shape, path, Origin.SITE)
            return
        for key in sorted(shape):
            value, here = shape[key], (*path, key)
            if key == "json_schema":
                self.shape(value, here)
            elif key in {"schema", "json"}:
                self.schema(value, here)
            elif key in {"choice", "grammar", "name", "regex", "structural_tag", "type"}:
                self.keep(value)
            else:
                self.anything(value, here, Origin.SITE)

    def schema(self, value: Any, path: Path) -> None:
        if type(value) is list:
            for at, item in enumerate(value):
                self.schema(item, (*path, at))
        elif type(value) is not dict:
            self.anything(value, path, Origin.SITE)
        else:
            for key in sorted(value):
                inner, here = value[key], (*path, key)
                if key in schema.SCHEMA_STRUCTURE:
                    self.keep(inner)
                elif key in schema.SCHEMA_WORDS:
                    self.anything(inner, here, Origin.SITE, _NOTHING)
                elif key in schema.SCHEMA_NAMES and type(inner) is dict:
                    self.keep(list(inner))
                    for name in sorted(inner):
                        self.schema(inner[name], (*here, name))
                else:
                    self.schema(inner, here)

    def keep(self, value: Any) -> None:
        """Remember what must stay as it is and could be taken for a placeholder."""
        if type(value) is str:
            if "[" in value and BRACKETED.search(value):
                self.fixed.append(value)
        elif type(value) is list:
            for item in value:
                self.keep(item)
        elif type(value) is dict:
            for item in value.values():
                self.keep(item)

    def keep_keys(self, text: str, spans: tuple[Span, ...]) -> None:
        at = 0
        for span in spans:
            self.keep(text[at : span.start])
            at = span.end
        self.keep(text[at:])
