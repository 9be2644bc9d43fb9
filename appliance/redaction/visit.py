"""The visits of a walk: messages, calls, tools, schemas, and whatever nobody knows."""

from typing import Any, Final

from appliance.domain.upstream import Body
from appliance.redaction import schema
from appliance.redaction.embedded import Span, decoded
from appliance.redaction.leaf import ORIGINS, Leaf, Origin, Path
from appliance.redaction.opaque import is_media
from appliance.redaction.restore import BRACKETED

_NOTHING: Final[frozenset[str]] = frozenset()
_TOOLS: Final = frozenset({Origin.TOOL})


class Visit:
    """Collects. Keys are taken by the alphabet: the order a client writes them in says nothing, and may change."""

    __slots__ = ("_json", "fixed", "found")

    def __init__(self, json: frozenset[Origin] = _TOOLS) -> None:
        """Contents of the origins in `json` are JSON when they can be read as such; any other is a text."""
        self._json = json
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

    def message(self, message: Body, path: Path, unsaid: Origin = Origin.USER) -> None:
        """`unsaid` is who speaks where no role says it."""
        role = message.get("role")
        origin = ORIGINS.get(role, Origin.USER) if isinstance(role, str) else unsaid
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
        say = self.json if origin in self._json else self.text
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
