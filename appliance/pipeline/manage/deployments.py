"""One deployment within its model: named, found, put in its place, taken out. Pure; `Models` keeps the result."""

from collections.abc import Iterable

import msgspec

from appliance.config.problems import nearest
from appliance.domain.errors import NotFound
from appliance.domain.ids import ModelName
from appliance.domain.model import Deployment, Model


def parts(named: str) -> tuple[ModelName, str]:
    """Model and label of `MODEL/LABEL`: a model's name may hold slashes, a label never does.

    Raises NotFound when it is not of that form.
    """
    name, slash, label = named.rpartition("/")
    if not slash or not name or not label:
        raise NotFound("a deployment is named MODEL/LABEL", param="deployment")
    return ModelName(name), label


def every(models: Iterable[Model]) -> list[Deployment]:
    return [one for model in models for one in model.deployments]


def asked(models: Iterable[Model], only: str | None) -> list[Deployment]:
    """Whose endpoints a doctor asks: the one named MODEL/LABEL, or every enabled one. Raises NotFound."""
    chosen = [one for one in every(models) if (one.enabled if only is None else one.id == only)]
    if only is not None and not chosen:
        raise NotFound(f"there is no deployment `{only[:200]}`; see `redoubt deployments list`", param="deployment")
    return chosen


def find(model: Model, label: str) -> Deployment:
    """Raises NotFound with the nearest label."""
    for one in model.deployments:
        if one.label == label:
            return one
    hint = nearest(label, [one.label for one in model.deployments], "" if model.deployments else "it has none")
    raise NotFound(f"model `{model.name}` has no deployment `{label[:64]}`{hint}", param="deployment")


def with_deployment(seen: Model | None, new: Deployment) -> Model:
    """The model, made if there is none, with one deployment made or changed; one that was there keeps its place."""
    model = seen or Model(name=new.model, deployments=())
    known = any(one.label == new.label for one in model.deployments)
    others = tuple(new if one.label == new.label else one for one in model.deployments)
    return msgspec.structs.replace(model, deployments=others if known else (*others, new))


def without_deployment(seen: Model, label: str) -> Model:
    """The model without one deployment; it stays, even without any. Raises NotFound with the nearest label."""
    gone = find(seen, label)
    return msgspec.structs.replace(seen, deployments=tuple(one for one in seen.deployments if one is not gone))
