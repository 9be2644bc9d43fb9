"""Peppers: the newest one hashes new keys, older ones stay until no live key needs them."""

import hmac
from typing import Protocol

import msgspec

from appliance.domain.errors import ConfigError
from appliance.domain.identity import Key
from appliance.domain.secret import Secret
from appliance.identity.keys import digest
from appliance.ports.repositories import StoredPepper, Unit


class Sealing(Protocol):
    """Opens and makes peppers; `config.secrets.MasterKey` is one. Both raise ConfigError."""

    def new_pepper(self, version: int) -> bytes: ...
    def pepper(self, version: int, sealed: bytes) -> bytes: ...


class Digested(msgspec.Struct, frozen=True):
    """What the store keeps of a key's value."""

    digest: bytes
    pepper_version: int


class Peppers:
    """Used inside a transaction, handed over by its unit."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing

    async def digested(self, unit: Unit, key: Secret) -> Digested:
        """Hash with the newest pepper; makes the first one of an empty store. Raises ConfigError."""
        known = [pepper for pepper in await unit.peppers() if not pepper.retired]
        newest = max(known, key=lambda pepper: pepper.version) if known else await self._first(unit)
        pepper = self._sealing.pepper(newest.version, newest.sealed)
        return Digested(digest(pepper, key.reveal()), newest.version)

    async def matches(self, unit: Unit, key: Key, presented: Secret) -> bool:
        """True when `presented` is the value of `key`."""
        for pepper in await unit.peppers():
            if pepper.version == key.pepper_version:
                opened = self._sealing.pepper(pepper.version, pepper.sealed)
                return hmac.compare_digest(digest(opened, presented.reveal()), key.digest)
        return False

    async def rotate(self, unit: Unit) -> int:
        """Make a new pepper and retire the others. Returns its version."""
        known = await unit.peppers()
        version = max((pepper.version for pepper in known), default=0) + 1
        for pepper in known:
            await unit.save_pepper(msgspec.structs.replace(pepper, retired=True))
        await unit.save_pepper(StoredPepper(version=version, sealed=self._sealing.new_pepper(version)))
        return version

    async def drop_unneeded(self, unit: Unit) -> None:
        """Delete retired peppers that no key in use is hashed with."""
        needed = {key.pepper_version for key in await unit.keys() if key.revoked_at is None}
        for pepper in await unit.peppers():
            if pepper.retired and pepper.version not in needed:
                await unit.delete_pepper(pepper.version)

    async def _first(self, unit: Unit) -> StoredPepper:
        if await unit.keys():
            raise ConfigError("the store has keys and no pepper to hash new ones with; restore the backup of the store")
        first = StoredPepper(version=1, sealed=self._sealing.new_pepper(1))
        await unit.save_pepper(first)
        return first
