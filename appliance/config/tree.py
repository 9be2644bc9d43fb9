"""YAML text to plain data, remembering on which line everything was written.

YAML 1.2's core schema is read through PyYAML's parser: only `true` and `false` are booleans; `012`, `12:30` and dates
stay texts. Duplicate keys and every tag but the plain ones are refused; anchors, aliases and `<<` are allowed.
"""

import re
from collections.abc import Hashable, Iterator
from decimal import Decimal
from typing import ClassVar

import msgspec
import yaml

from appliance.domain.errors import ConfigError

Step = str | int
Path = tuple[Step, ...]

LARGEST = 4 * 1024 * 1024  # characters of one file
MOST_NODES = 500_000  # after aliases are followed: a "billion laughs" file stops here
DEEPEST = 64
_TAG = "tag:yaml.org,2002:"


class Tree(msgspec.Struct, frozen=True):
    """Plain data, and the line each part of it stands on (from 1)."""

    data: object
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's idea of what a plain scalar means."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]  # the stubs call it an instance's


def _resolve(kind: str, pattern: str, first: tuple[str, ...]) -> None:
    _Loader.add_implicit_resolver(_TAG + kind, re.compile(pattern), list(first))


_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", (*"tTfF",))
_resolve("null", r"^(?:~|null|Null|NULL|)$", ("~", "n", "N", ""))
_resolve("int", r"^[-+]?(?:0|[1-9][0-9]*)$", (*"-+0123456789",))
_resolve("float", r"^[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", (*"-+.0123456789",))
_resolve("merge", r"^<<$", ("<",))


def parse(text: str, file: str) -> Tree:
    """Read one YAML document. Raises ConfigError naming file and line."""
    if len(text) > LARGEST:
        raise ConfigError(f"is larger than {LARGEST // 1024 // 1024} MiB; a configuration never is", file=file)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        problem = " ".join(part for part in (e.context, e.problem) if part)
        raise ConfigError(f"is not YAML: {problem}", file=file, line=mark.line + 1 if mark else 1) from e
    except yaml.YAMLError as e:
        raise ConfigError(f"is not YAML: {str(e).splitlines()[0]}", file=file, line=1) from e
    except RecursionError as e:
        raise ConfigError(f"is nested deeper than {DEEPEST} levels", file=file, line=1) from e
    if node is None:
        return Tree({}, {(): 1})
    builder = _Builder(file)
    return Tree(builder.build(node, ()), builder.lines)


class _Builder:
    """Turns nodes into data. One for each file."""

    def __init__(self, file: str) -> None:
        self.lines: dict[Path, int] = {}
        self._file = file
        self._nodes = 0

    def build(self, node: yaml.Node, path: Path) -> object:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise self._error(node, "expands to too many values; check its anchors and aliases")
        if len(path) > DEEPEST:
            raise self._error(node, f"is nested deeper than {DEEPEST} levels; check its anchors and aliases")
        self.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.build(item, (*path, at)) for at, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        raise self._error(node, f"the tag `{node.tag}` is not allowed here")

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        own: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                for more in self._merged(value, path):
                    merged = {**more, **merged}  # the first of several wins, as YAML's merge key says
                continue
            name = self._name(key)
            if name in own:
                raise self._error(key, f"`{name}` is written twice")
            at = (*path, name)
            self.lines[at] = _line(key)
            own[name] = self.build(value, at)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: Path) -> Iterator[dict[str, object]]:
        for one in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(one, yaml.MappingNode):
                raise self._error(one, "`<<` takes a mapping, or a list of mappings")
            known = dict(self.lines)
            value = self._mapping(one, path)
            self.lines.update(known)  # what stands in the mapping itself keeps its own line
            yield value

    def _name(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and isinstance(node.value, Hashable) and node.tag == _TAG + "str":
            return str(node.value)
        raise self._error(node, "a field's name must be a text; put it in quotes")

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text = str(node.value)
        match node.tag.removeprefix(_TAG):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if len(text) <= 19:
                return int(text)
            case "float":
                return self._float(node, text)
            case "int":
                raise self._error(node, "the number has too many digits")
        raise self._error(node, f"the tag `{node.tag}` is not allowed here")

    def _float(self, node: yaml.Node, text: str) -> float:
        value = float(text)
        # `Decimal(repr(value))` is how an amount of money is read later: refuse what a float would change
        if Decimal(repr(value)) != Decimal(text):
            raise self._error(node, "the number has more digits than can be kept exactly; put it in quotes")
        return value

    def _error(self, node: yaml.Node, message: str) -> ConfigError:
        return ConfigError(message, file=self._file, line=_line(node))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
