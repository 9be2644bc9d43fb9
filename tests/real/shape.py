"""Answers reduced to their shape: what a client's code can depend on, without what differs from run to run.

A shape is JSON. A scalar is its type's name; constants (`object`, `finish_reason`, error types and codes) are kept as
`= value`, texts of errors as `~ text` with numbers and random parts replaced, identifiers as `id pattern`. A list is
a list of the one shape all its elements share, an object's key ends in `?` where only some elements have it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import groupby

CONSTANT_KEYS = frozenset(
    {
        *(
            "object",
            "type",
            "role",
            "finish_reason",
            "stop_reason",
            "code",
            "param",
            "owned_by",
            "status",
            "loc",
            "model",
        ),
        *("http_status_code", "statusCode", "error_type", "done_reason", "parent"),
    }
)
TEXT_KEYS = frozenset({"message", "detail", "error", "msg"})
ID_KEYS = frozenset({"id", "item_id", "call_id", "response_id", "system_fingerprint"})
FLOWING_KEYS = frozenset({"content", "reasoning", "reasoning_content", "text", "arguments", "delta"})
HEADERS = frozenset(
    {
        *("content-type", "content-length", "transfer-encoding", "allow", "www-authenticate", "retry-after"),
        *("retry-after-ms", "x-should-retry", "x-request-id", "cache-control", "x-accel-buffering", "location"),
        *("endpoint-load-metrics", "openai-processing-ms"),
    }
)
PRESENT_HEADERS = frozenset({"content-length", "x-request-id", "openai-processing-ms"})
NUMBERED_HEADERS = frozenset({"endpoint-load-metrics", "retry-after", "retry-after-ms"})
LONGEST_TEXT = 600

_RANDOM = (
    (re.compile(r"/(?:[\w.+-]+/){3,}"), "<path>/"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"(?<![A-Za-z0-9])(?:0x)?(?=[0-9a-f]*[0-9])[0-9a-f]{8,}(?![A-Za-z0-9])"), "<hex>"),
    (re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{22,}(?![A-Za-z0-9])"), "<random>"),
    (re.compile(r"\d+(?:\.\d+)?"), "<n>"),
)

# pydantic appends a dump of the model, the input and links: how many errors there were is all that is held to.
_DUMP = re.compile(r"(validation errors?\b[^\n]*)\n.*", re.DOTALL)

Shape = object  # JSON: str, list or dict


def pattern(text: str) -> str:
    """`text` with identifiers, addresses and numbers replaced by their kind."""
    text = _DUMP.sub(r"\1 ...", text)
    for expression, kind in _RANDOM:
        text = expression.sub(kind, text)
    return text[:LONGEST_TEXT]


def of_value(value: object, key: str = "") -> Shape:
    """The shape of decoded JSON found under `key`."""
    if isinstance(value, dict):
        return _of_object(value, key)
    if isinstance(value, list):
        return _of_list(value, key)
    if value is None:
        return "null"
    if key in CONSTANT_KEYS:
        return f"= {value}"
    if isinstance(value, str):
        return _of_text(value, key)
    return "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "number"


def _of_list(value: list[object], key: str) -> list[Shape]:
    if key == "bytes":
        return ["integer"]  # there are none for half a character
    return [merged([of_value(element, key) for element in value])] if value else []


def _of_object(value: dict[str, object], key: str) -> dict[str, Shape]:
    if key == "top_logprobs" and all(isinstance(part, float) for part in value.values()):
        return {"<token>": "number"}  # completions: the keys are tokens
    return {name: of_value(value[name], name) for name in sorted(value)}


def _of_text(value: str, key: str) -> str:
    if key in ID_KEYS:
        return f"id {pattern(value)}"
    if key in TEXT_KEYS:
        return f"~ {pattern(value)}"
    return "string" if value or key == "token" else "empty string"


def merged(shapes: Iterable[Shape]) -> Shape:
    """One shape that fits all of them."""
    known = list(shapes)
    first = known[0]
    if all(shape == first for shape in known):
        return first
    objects = [shape for shape in known if isinstance(shape, dict)]
    lists = [shape for shape in known if isinstance(shape, list)]
    if len(objects) == len(known):
        return _merged_objects(objects)
    if len(lists) == len(known):
        elements = [element for shape in lists for element in shape]
        return [merged(elements)] if elements else []
    parts = {shape if isinstance(shape, str) else json.dumps(shape, sort_keys=True) for shape in known}
    return " | ".join(sorted({part for text in parts for part in text.split(" | ")}))


def _merged_objects(objects: list[dict[str, Shape]]) -> Shape:
    names = sorted({name.removesuffix("?") for shape in objects for name in shape})
    result: dict[str, Shape] = {}
    for name in names:
        held = [shape[spelt] for shape in objects for spelt in (name, f"{name}?") if spelt in shape]
        everywhere = all(name in shape for shape in objects)
        result[name if everywhere else f"{name}?"] = merged(held)
    return result


def of_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers a client may act on; those that are never the same only as `present` or with numbers replaced."""
    names = sorted(name.lower() for name in headers if name.lower() in HEADERS)
    return {name: "present" if name in PRESENT_HEADERS else _of_header(name, headers[name]) for name in names}


def _of_header(name: str, value: str) -> str:
    return pattern(value) if name in NUMBERED_HEADERS else value


def of_body(raw: bytes) -> Shape:
    """A whole body: JSON's shape, `empty`, or the text itself with its numbers replaced."""
    if not raw:
        return "empty"
    try:
        value = json.loads(raw)
    except ValueError:
        return f"text ~ {pattern(raw.decode(errors='replace'))}"
    return of_value(value)


def of_stream(raw: bytes) -> dict[str, Shape]:
    """Server-sent events: how they are framed, in which order they come, and each choice's events by themselves.

    Equal neighbours count once, so the shape does not depend on how long the text is; choices are kept apart, so it
    does not depend on how they interleave.
    """
    text = raw.decode(errors="replace")
    separator = "\r\n\r\n" if "\r\n\r\n" in text else "\n\n"
    blocks = [block for block in text.split(separator) if block]
    events = [_event(block) for block in blocks]
    choices: dict[str, list[Shape]] = {}
    others: list[Shape] = []
    kinds: list[str] = []
    for event in events:
        index = _choice(event["data"])
        kinds.append(_kind(event, index))
        (others if index is None else choices.setdefault(f"choice {index}", [])).append(_event_shape(event))
    return {
        "separator": "LF LF" if separator == "\n\n" else "CR LF CR LF",
        "space after data:": all("data:" not in block or "data: " in block for block in blocks),
        "ends cleanly": text.endswith(separator),
        "order": [kind for kind, _ in groupby(kinds)],
        "choices": {name: _flowing(shapes) for name, shapes in sorted(choices.items())},
        "others": _flowing(others),
    }


def _event(block: str) -> dict[str, object]:
    lines = [line.partition(":") for line in block.splitlines()]
    data = "\n".join(value.removeprefix(" ") for name, _, value in lines if name == "data")
    named = [value.strip() for name, _, value in lines if name == "event"]
    comment = not data and block.startswith(":")
    try:
        value: object = json.loads(data)
    except ValueError:
        return {"name": named, "data": None, "text": "comment" if comment else data}
    return {"name": named, "data": value, "text": "", "spaced": '": ' in data.split(",")[0]}


def _choice(data: object) -> int | None:
    choices = data.get("choices") if isinstance(data, dict) else None
    return choices[0].get("index") if isinstance(choices, list) and choices else None


def _kind(event: dict[str, object], index: int | None) -> str:
    if event["text"]:
        return str(event["text"])
    data = event["data"]
    if index is not None or not isinstance(data, dict):
        return "choice"
    return next((f"{kind}" for kind in ("error", "usage") if data.get(kind)), str(data.get("type", "other")))


def _event_shape(event: dict[str, object]) -> Shape:
    if event["text"]:
        return event["text"]
    shape: dict[str, Shape] = {"data": of_value(event["data"])}
    if event["name"]:
        shape["event"] = event["name"]
    shape["JSON"] = "with spaces" if event["spaced"] else "compact"
    return shape


def _flowing(shapes: list[Shape]) -> list[Shape]:
    """Equal neighbours as one. Whether a text is empty counts in the first event only.

    Later it is a matter of luck: half a character brings none, and a server that is late puts the last text into the
    event that finishes.
    """
    eased = [_eased(shape) if place else shape for place, shape in enumerate(shapes)]
    return [shape for shape, _ in groupby(eased)]


def _eased(shape: Shape, key: str = "") -> Shape:
    if isinstance(shape, dict):
        return {name: _eased(part, name) for name, part in shape.items()}
    if isinstance(shape, list):
        return [_eased(part, key) for part in shape]
    return "string" if shape == "empty string" and key in FLOWING_KEYS else shape


def of_metrics(text: str, prefix: str) -> dict[str, Shape]:
    """Prometheus text: for each metric its type, label names, sample suffixes and bucket borders."""
    found: dict[str, dict[str, set[str]]] = {}
    types = dict(re.findall(rf"^# TYPE ({re.escape(prefix)}\S+) (\S+)$", text, re.MULTILINE))
    for name, labels in re.findall(rf"^({re.escape(prefix)}[^\s{{]+)(?:{{(.*)}})? \S+$", text, re.MULTILINE):
        family = max((known for known in types if name.startswith(known)), key=len, default=name)
        entry = found.setdefault(family, {"labels": set(), "suffixes": set(), "buckets": set()})
        pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        entry["buckets"] |= {pairs.pop("le")} if "le" in pairs else set()
        entry["labels"] |= set(pairs)
        entry["suffixes"].add(name.removeprefix(family))
    return {
        family: {
            "type": types.get(family, "untyped"),
            **{name: sorted(values) for name, values in entry.items() if values},
        }
        for family, entry in sorted(found.items())
    }
