"""From what the store holds to what a file wants: a list of changes, made without touching anything. Pure."""

import msgspec
from msgspec import UNSET

from appliance.config.desired import Desired, KeyTerms, terms_of
from appliance.domain.identity import Key
from appliance.domain.ids import KeyId
from appliance.domain.model import Model
from appliance.domain.money import Price
from appliance.pipeline.manage.key_rules import current
from appliance.ports.repositories import Snapshot


class SetPrice(msgspec.Struct, frozen=True):
    before: Price | None
    after: Price | None


class SaveModel(msgspec.Struct, frozen=True):
    before: Model | None  # None: it is new
    after: Model


class DeleteModel(msgspec.Struct, frozen=True):
    before: Model


class CreateKey(msgspec.Struct, frozen=True):
    after: KeyTerms


class UpdateKey(msgspec.Struct, frozen=True):
    id: KeyId
    before: KeyTerms
    after: KeyTerms


class RevokeKey(msgspec.Struct, frozen=True):
    id: KeyId
    before: KeyTerms


Change = SetPrice | SaveModel | DeleteModel | CreateKey | UpdateKey | RevokeKey


def diff(desired: Desired, snapshot: Snapshot, *, prune: bool) -> list[Change]:
    """What `apply` would do, in the order it would do it. Models and keys match by name.

    Without `prune`, what only the store has is left alone.
    """
    changes: list[Change] = []
    if desired.default_price is not UNSET and desired.default_price != snapshot.default_price:
        changes.append(SetPrice(snapshot.default_price, desired.default_price))
    changes += _models(desired, snapshot, prune=prune)
    changes += _keys(desired, snapshot, prune=prune)
    return changes


def _models(desired: Desired, snapshot: Snapshot, *, prune: bool) -> list[Change]:
    stored = {model.name: model for model in snapshot.models}
    wanted = {model.name for model in desired.models}
    changes: list[Change] = [
        SaveModel(stored.get(model.name), model) for model in desired.models if stored.get(model.name) != model
    ]
    if prune:
        changes += [DeleteModel(model) for name, model in stored.items() if name not in wanted]
    return changes


def _keys(desired: Desired, snapshot: Snapshot, *, prune: bool) -> list[Change]:
    stored: dict[str, Key] = {key.name: key for key in current(snapshot.keys)}
    wanted = {terms.name for terms in desired.keys}
    # New keys come first: a new administrator must be there before the old one goes
    changes: list[Change] = [CreateKey(terms) for terms in desired.keys if terms.name not in stored]
    for terms in desired.keys:
        known = stored.get(terms.name)
        if known is not None and terms_of(known) != terms:
            changes.append(UpdateKey(known.id, terms_of(known), terms))
    if prune:
        changes += [RevokeKey(key.id, terms_of(key)) for name, key in stored.items() if name not in wanted]
    return changes
