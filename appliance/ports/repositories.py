"""The store: keys, models, site settings and events. The one truth about them."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from appliance.domain.events import Event
from appliance.domain.identity import Key
from appliance.domain.ids import KeyId, ModelName
from appliance.domain.model import Model
from appliance.domain.money import Price


class StoredPepper(msgspec.Struct, frozen=True, kw_only=True):
    """A pepper as it lies in the store: sealed under the site's master key."""

    version: int
    sealed: bytes
    retired: bool = False  # no new key is hashed with it


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the hot path needs, read in one transaction."""

    number: int  # the change number it was read at
    keys: tuple[Key, ...]
    models: tuple[Model, ...]
    peppers: tuple[StoredPepper, ...]
    default_price: Price | None


class Unit(Protocol):
    """One transaction over the store. Leaving the context normally commits and raises the change number by one."""

    async def keys(self) -> Sequence[Key]: ...
    async def key(self, key: KeyId) -> Key | None: ...
    async def save_key(self, key: Key) -> None: ...  # insert or replace by id; Conflict on a second digest or live name
    async def delete_key(self, key: KeyId) -> None: ...  # a key that was never a client's; others are revoked
    async def models(self) -> Sequence[Model]: ...
    async def model(self, name: ModelName) -> Model | None: ...
    async def save_model(self, model: Model) -> None: ...  # with all its deployments
    async def delete_model(self, name: ModelName) -> None: ...
    async def peppers(self) -> Sequence[StoredPepper]: ...
    async def save_pepper(self, pepper: StoredPepper) -> None: ...
    async def delete_pepper(self, version: int) -> None: ...
    async def default_price(self) -> Price | None: ...
    async def save_default_price(self, price: Price | None) -> None: ...
    async def add_event(self, event: Event) -> None: ...


class Store(Protocol):
    """Raises StoreUnavailable when the database cannot be read or written."""

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """A write transaction (BEGIN IMMEDIATE). Rolled back when the block raises."""
        ...

    async def change_number(self) -> int: ...
    async def snapshot(self) -> Snapshot: ...

    async def events(self, limit: int, action: str | None = None) -> Sequence[Event]:
        """Newest first."""
        ...

    async def add_event(self, event: Event) -> None:
        """One event outside any change (a security refusal). Does not raise the change number."""
        ...


class EventSink(Protocol):
    """Takes security refusals off the hot path: queued, bounded, coalesced; what is dropped is counted and said."""

    def note(self, event: Event) -> None: ...
