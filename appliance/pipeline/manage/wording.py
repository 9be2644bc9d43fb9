"""Changes in words: for the eyes that must approve them, and for programs. In the words and units of the file."""

from appliance.config.render import Plain, model_entry, price_entry, terms_entry
from appliance.domain.model import Model
from appliance.domain.money import Price
from appliance.pipeline.manage.diff import (
    Change,
    CreateKey,
    DeleteModel,
    RevokeKey,
    SaveModel,
    SetPrice,
    UpdateKey,
)


def lines(change: Change) -> list[str]:
    """`+` comes, `-` goes, `~` becomes; the first line says what, the others which fields."""
    told: list[str]
    match change:
        case SetPrice(before, after):
            told = [f"~ default_price: {_price(before)} -> {_price(after)}"]
        case SaveModel(None, model):
            new = {name: value for name, value in _flat_model(model).items() if name != "deployments"}
            told = [f"+ model `{model.name}`", *_fields({}, new)]
        case SaveModel(Model() as old, model):
            told = [f"~ model `{model.name}`", *_fields(_flat_model(old), _flat_model(model))]
        case DeleteModel(model):
            told = [f"- model `{model.name}`"]
        case CreateKey(terms):
            told = [f"+ key `{terms.name}`", *_fields({}, _flat(terms_entry(terms)))]
        case UpdateKey(_, was, terms):
            told = [f"~ key `{terms.name}`", *_fields(_flat(terms_entry(was)), _flat(terms_entry(terms)))]
        case RevokeKey(key, was):
            told = [f"- key `{was.name}` ({key}) is revoked"]
    return told


def as_plain(change: Change) -> Plain:
    """A change for machines."""
    first, *rest = lines(change)
    kind = {"+": "create", "~": "update", "-": "delete"}[first[0]]
    return {"change": kind, "what": first[2:], "fields": [line.strip() for line in rest]}


def _price(price: Price | None) -> str:
    if price is None:
        return "none (models without a price are refused)"
    return "0" if price.free else ", ".join(f"{name} {value}" for name, value in price_entry(price).items())


def _flat_model(model: Model) -> dict[str, str]:
    """Deployments by label, so that a change of their order is one line and not a change of all."""
    entry = model_entry(model)
    flat = _flat({name: value for name, value in entry.items() if name not in {"name", "deployments"}})
    found = entry["deployments"]
    for one in found if isinstance(found, list) else []:
        label = one.pop("label")
        flat.update({f"deployments[{label}].{name}": value for name, value in _flat(one).items()})
    flat["deployments"] = ", ".join(one.label for one in model.deployments)
    return flat


def _flat(entry: Plain, prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        elif isinstance(value, list):
            flat[f"{prefix}{name}"] = ", ".join(str(one) for one in value)
        elif prefix or name != "name":
            flat[f"{prefix}{name}"] = str(value)
    return flat


def _fields(before: dict[str, str], after: dict[str, str]) -> list[str]:
    told = []
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            told.append(f"    - {name}: {before[name]}")
        elif name not in before:
            told.append(f"    + {name}: {after[name]}")
        elif before[name] != after[name]:
            told.append(f"    ~ {name}: {before[name]} -> {after[name]}")
    return told
