"""Entities and settings as people write them: for diffs, `show` verbs and `config` verbs. Never a secret.

What stands at its default is left out of entities, so that a diff shows decisions and nothing else.
"""

from collections.abc import Mapping

import msgspec
import yaml

from appliance.config.amounts import amount
from appliance.config.desired import KeyTerms
from appliance.config.schema import Site
from appliance.domain.identity import Limits
from appliance.domain.model import Deployment, Model, Timeouts
from appliance.domain.money import Price

Plain = dict[str, object]


def effective(site: Site) -> Plain:
    """The whole configuration with every default, as plain data. References to secrets stand, secrets never did."""
    plain = msgspec.to_builtins(site, builtin_types=())
    return {**plain} if isinstance(plain, dict) else {}


def to_yaml(plain: object) -> str:
    """Block style, in the order given."""
    return str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100))


def price_entry(price: Price) -> Plain:
    """In units of the currency. A price of nothing keeps `input: 0`, so that it stays visible."""
    return {
        "input": amount(price.input),
        **({} if price.cached is None else {"cached": amount(price.cached)}),
        **({"output": amount(price.output)} if price.output else {}),
        **({"gpu_second": amount(price.gpu_second)} if price.gpu_second else {}),
    }


def model_entry(model: Model) -> Plain:
    """As it would stand under `models:`."""
    return {
        "name": str(model.name),
        "strategy": model.strategy,
        "attempts": model.attempts,
        **({} if model.privacy is None else {"privacy": model.privacy}),
        "deployments": [deployment_entry(one) for one in model.deployments],
    }


def deployment_entry(one: Deployment) -> Plain:
    return _without_defaults(
        {
            "label": one.label,
            "provider": str(one.provider),
            "url": one.url,
            "model": one.upstream_model,
            "weight": one.weight,
            "max_parallel": one.max_parallel,
            "timeouts": _changed(msgspec.structs.asdict(one.timeouts), msgspec.structs.asdict(Timeouts())),
            "price": None if one.price is None else price_entry(one.price),
            "options": dict(one.options),
            "credential": one.credential,
            "ca_file": one.ca_file,
            "media_urls": one.media_urls,
            "enabled": one.enabled,
        },
        {"weight": 1.0, "media_urls": False, "enabled": True},
    )


def terms_entry(terms: KeyTerms) -> Plain:
    """As it would stand under `keys:`."""
    return _without_defaults(
        {
            "name": terms.name,
            "role": terms.role.value,
            "models": [str(name) for name in terms.models],
            "limits": limits_entry(terms.limits),
            "fields": list(terms.fields),
            "expires_at": terms.expires_at.isoformat().replace("+00:00", "Z") if terms.expires_at else None,
            "privacy": terms.privacy,
            "workspace": terms.workspace,
            "team": terms.team,
            "metadata": dict(terms.metadata),
        },
        {},
    )


def limits_entry(limits: Limits) -> Plain:
    plain = _changed(msgspec.structs.asdict(limits), msgspec.structs.asdict(Limits()))
    if limits.budget is not None:
        plain["budget"] = amount(limits.budget)
    if "window" in plain:
        plain["window"] = limits.window.value
    return plain


def _changed(now: Mapping[str, object], default: Mapping[str, object]) -> Plain:
    return {name: value for name, value in now.items() if value != default[name]}


def _without_defaults(entry: Plain, defaults: Mapping[str, object]) -> Plain:
    empty: tuple[object, ...] = (None, {}, [])
    return {
        name: value
        for name, value in entry.items()
        if value not in empty and (name not in defaults or value != defaults[name])
    }
