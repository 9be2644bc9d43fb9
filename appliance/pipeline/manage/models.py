"""Models and the default price: saved and deleted, checked before they are."""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from appliance.config.problems import nearest
from appliance.domain import names
from appliance.domain.errors import BadRequest, Conflict, ModelUnknown
from appliance.domain.ids import ModelName
from appliance.domain.model import Deployment, Model
from appliance.domain.money import Price
from appliance.domain.privacy_policy import PRESETS
from appliance.pipeline.manage.deployments import every, with_deployment, without_deployment
from appliance.pipeline.manage.records import Scribe, model_record, price_record
from appliance.ports.clock import Clock
from appliance.ports.repositories import Store, Unit

STRATEGIES = ("weighted", "least-busy")
MOST_ATTEMPTS = 16

CheckDeployment = Callable[[Deployment], list[str]]
"""Problems of a deployment that provider, egress guard and secrets see, in words for the operator."""


class Models:
    """Use cases over models. `actor` says who asks, for the event."""

    def __init__(
        self, store: Store, check_deployment: CheckDeployment, clock: Clock, policies: Sequence[str] = PRESETS
    ) -> None:
        """`policies`: names of the privacy policies that a model may be given."""
        self._store = store
        self._policies = policies
        self._check_deployment = check_deployment
        self._scribe = Scribe(clock)

    async def all(self) -> Sequence[Model]:
        """By name."""
        return (await self._store.snapshot()).models

    async def find(self, name: str) -> Model:
        """Raises ModelUnknown with the nearest name."""
        return find(await self.all(), name)

    def problems(self, model: Model, before: Model | None = None) -> list[str]:
        """Why a model may not be saved, each beginning with what it is about. Empty: it may.

        What providers and the egress guard say of a deployment that was there `before` is not in the way of a change
        elsewhere: an address that may no longer be dialled must not keep its neighbour from being deleted.
        """
        problems = _own_problems(model)
        if model.privacy is not None and model.privacy not in self._policies:
            hint = nearest(model.privacy, self._policies)
            problems.append(f"model `{model.name}`: no privacy policy is named `{model.privacy[:64]}`{hint}")
        kept = before.deployments if before else ()
        for one in model.deployments:
            if one in kept:
                continue
            problems.extend(f"deployment `{one.id}`: {text}" for text in self._check_deployment(one))
        return problems

    async def look(self, name: str) -> Model | None:
        """What `save` must be told was seen. None: there is none."""
        return next((model for model in await self.all() if model.name == name), None)

    async def look_at(self, name: str, label: str) -> Deployment | None:
        """What `save_deployment` must be told was seen. None: there is none."""
        return next((one for one in every(await self.all()) if (one.model, one.label) == (name, label)), None)

    async def save(self, model: Model, actor: str, seen: Model | None = None) -> bool:
        """Make it, or replace what was `seen`, with all its deployments. False when it is so already.

        Raises BadRequest; and Conflict when the store holds something else than was seen by now: of two who make the
        same model at once, the second is told, and does not undo what the first one did.
        """
        async with self._store.unit() as unit:
            _unmoved(f"model `{model.name}`", await unit.model(model.name), seen, model)
            return await self.save_in(unit, model, actor)

    async def save_deployment(self, new: Deployment, actor: str, seen: Deployment | None = None) -> bool:
        """The same of one deployment; its model is made if there is none, and the others behind it stay as they are."""
        async with self._store.unit() as unit:
            model = await unit.model(new.model)
            found = next((one for one in (model.deployments if model else ()) if one.label == new.label), None)
            _unmoved(f"deployment `{new.id}`", found, seen, new)
            return await self.save_in(unit, with_deployment(model, new), actor)

    async def delete_deployment(self, name: ModelName, label: str, actor: str) -> None:
        """The model stays, even without any. Raises ModelUnknown, NotFound."""
        async with self._store.unit() as unit:
            await self.save_in(unit, without_deployment(find(await unit.models(), name), label), actor)

    async def save_in(self, unit: Unit, model: Model, actor: str) -> bool:
        """The same inside a transaction that does more."""
        before = await unit.model(model.name)
        if problems := self.problems(model, before):
            raise BadRequest("; ".join(problems), param="model")
        if before == model:
            return False
        await unit.save_model(model)
        action = "model.create" if before is None else "model.update"
        was = None if before is None else model_record(before)
        await unit.add_event(self._scribe.event(actor, action, model.name, was, model_record(model)))
        return True

    async def delete(self, name: ModelName, actor: str) -> None:
        """Raises ModelUnknown."""
        async with self._store.unit() as unit:
            await self.delete_in(unit, name, actor)

    async def delete_in(self, unit: Unit, name: ModelName, actor: str) -> None:
        """The same inside a transaction that does more."""
        before = find(await unit.models(), name)
        await unit.delete_model(name)
        await unit.add_event(self._scribe.event(actor, "model.delete", name, model_record(before), None))

    async def default_price(self) -> Price | None:
        return (await self._store.snapshot()).default_price

    async def save_default_price(self, price: Price | None, actor: str) -> None:
        """None: models that declare no price are refused."""
        async with self._store.unit() as unit:
            await self.save_default_price_in(unit, price, actor)

    async def save_default_price_in(self, unit: Unit, price: Price | None, actor: str) -> None:
        """The same inside a transaction that does more."""
        before = await unit.default_price()
        if before == price:
            return
        await unit.save_default_price(price)
        event = self._scribe.event(actor, "price.default", "default_price", price_record(before), price_record(price))
        await unit.add_event(event)


def find(models: Sequence[Model], name: str) -> Model:
    """Raises ModelUnknown with the nearest name."""
    for model in models:
        if model.name == name:
            return model
    hint = nearest(name, [model.name for model in models], "see `redoubt models list`")
    raise ModelUnknown(f"no model is named `{name[:128]}`{hint}", param="model")


def _unmoved(what: str, found: object, seen: object, wanted: object) -> None:
    """Raises Conflict unless the store holds what the change began from, or what it wants."""
    if found not in (seen, wanted):
        done = "deleted" if found is None else "made" if seen is None else "changed"
        raise Conflict(f"{what} was {done} by somebody else meanwhile; look at it again")


def _own_problems(model: Model) -> list[str]:
    """What can be said without knowing providers."""
    problems = []
    if not names.MODEL.fits(model.name):
        problems.append(f"the model: expected {names.MODEL.words}")
    if model.strategy not in STRATEGIES:
        problems.append(f"model `{model.name}`: no strategy `{model.strategy}`{nearest(model.strategy, STRATEGIES)}")
    if not 1 <= model.attempts <= MOST_ATTEMPTS:
        problems.append(f"model `{model.name}`: `attempts` lies between 1 and {MOST_ATTEMPTS}")
    labels = [one.label for one in model.deployments]
    problems += [f"model `{model.name}`: two deployments are labelled `{one}`" for one in _twice(labels)]
    for one in model.deployments:
        if not names.LABEL.fits(one.label):
            problems.append(f"a deployment of model `{model.name}`: expected {names.LABEL.words}")
        if one.model != model.name:
            problems.append(f"deployment `{one.id}` does not belong to model `{model.name}`")
        if one.ca_file is not None and not PurePosixPath(one.ca_file).is_absolute():
            problems.append(
                f"deployment `{one.id}`: `ca_file` is no absolute path; "
                "only a configuration file may name one that is relative, to itself"
            )
        if one.weight < 0 or (one.max_parallel is not None and one.max_parallel < 1) or not one.upstream_model:
            problems.append(f"deployment `{one.id}`: weight >= 0, max_parallel >= 1 and an upstream model are needed")
    return problems


def _twice(labels: Sequence[str]) -> list[str]:
    return sorted({label for label in labels if labels.count(label) > 1})
