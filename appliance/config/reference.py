"""The settings, told from the schema: JSON Schema for editors, and the page `docs/settings.md`."""

from collections.abc import Iterator
from enum import Enum
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec

from appliance.config.annotations import alternatives, item_type, meta, struct_in
from appliance.config.schema import Site

PREAMBLE = """\
# Settings

Redoubt reads one YAML file: the one given with `--config`, else the one `REDOUBT_CONFIG` names, else `redoubt.yaml` in
the current folder, else `/etc/redoubt/redoubt.yaml`. No other environment variable changes a setting.

- A field that is not listed here is refused; so is a field written twice.
- Only `true` and `false` are booleans. Paths are meant from the folder of the file.
- Money is written in units of your currency, as a number or a text with at most 6 decimals: `0.15` or `"0.15"`.
  Prices of tokens are per 1,000,000 tokens. Amounts are kept exactly, in millionths of a unit.
- Secrets are written as references: `file:PATH` (a file only its owner may read) or `env:NAME`.
- `models`, `keys` and `default_price` live in the store. The file fills an empty store at `redoubt init`; afterwards
  it binds only when `redoubt apply` is run. Everything else is read at start.

`redoubt config check` says what is wrong, `redoubt config example` prints a complete file, `redoubt config schema` the
JSON Schema. This page is printed by `redoubt config settings`.
"""


def json_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of the file. Money may be a number or a text there, as the loader takes both."""
    schema = msgspec.json.schema(Site)
    _allow_numbers(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _allow_numbers(schema: object) -> None:
    if isinstance(schema, dict):
        if schema.get("format") == "decimal":
            del schema["format"]
            schema["type"] = ["number", "string"]
            if isinstance(schema.get("default"), str):
                schema["default"] = float(schema["default"])
        for value in schema.values():
            _allow_numbers(value)
    elif isinstance(schema, list):
        for value in schema:
            _allow_numbers(value)


def settings_page() -> str:
    """Markdown: one table for each group of settings, in the order of the file."""
    return "\n".join([PREAMBLE, *_sections("", Site)])


def setting_paths() -> list[str]:
    """Every setting there is, such as `listen.api.port`, lists written as `models[]`."""
    return [line.split("`")[1] for line in "\n".join(_sections("", Site)).splitlines() if line.startswith("| `")]


def _sections(prefix: str, struct: type[msgspec.Struct]) -> Iterator[str]:
    hints = get_type_hints(struct, include_extras=True)
    yield f"## {'The file' if not prefix else f'`{prefix}`'}\n"
    yield f"{(struct.__doc__ or '').strip()}\n"
    yield "| setting | value | default | meaning |"
    yield "|---|---|---|---|"
    below: list[tuple[str, type[msgspec.Struct]]] = []
    for field in msgspec.structs.fields(struct):
        path = f"{prefix}.{field.name}" if prefix else field.name
        inner, is_list = _inner_struct(hints[field.name])
        if inner is not None:
            below.append((f"{path}[]" if is_list else path, inner))
        cells = [f"`{path}`", _value(hints[field.name]), _default(field), meta(hints[field.name], "description")]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    for path, inner in below:
        yield from _sections(path, inner)


def _inner_struct(hint: object) -> tuple[type[msgspec.Struct] | None, bool]:
    """The struct of a field, and whether it is a list of them."""
    if (struct := struct_in(hint)) is not None:
        return struct, False
    return struct_in(item_type(hint)), True


def _value(hint: object) -> str:
    """What may be written, in words."""
    inner, is_list = _inner_struct(hint)
    if title := meta(hint, "title"):
        return title
    if inner is not None:
        return "a list of mappings" if is_list else "a mapping"
    return " or ".join(dict.fromkeys(_plain_value(one) for one in alternatives(hint) if one is not type(None)))


def _plain_value(one: object) -> str:
    """The same for what is neither a union nor annotated."""
    if get_origin(one) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(one))
    if isinstance(one, type) and issubclass(one, Enum):
        return " or ".join(f"`{member.value}`" for member in one)
    if get_origin(one) is tuple:
        return f"a list; each {_value(get_args(one)[0])}"
    if get_origin(one) is dict:
        return f"names, each with {_value(get_args(one)[1])}"
    return "`true` or `false`" if one is bool else "a text" if one is str else "a number"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if isinstance(value, msgspec.Struct) or value in (None, (), {}) or isinstance(value, msgspec.UnsetType):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`{value.value if isinstance(value, Enum) else value}`"
