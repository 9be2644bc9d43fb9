"""Virtual keys: made, changed, rotated, blocked and revoked. A key's value leaves here once, when it is made."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from appliance.config.desired import KeyTerms, terms_of
from appliance.domain.errors import Conflict, NotFound
from appliance.domain.identity import Key, Role
from appliance.domain.ids import KeyId
from appliance.domain.privacy_policy import PRESETS
from appliance.domain.secret import Secret
from appliance.identity.keys import hint, mint
from appliance.pipeline.manage.key_rules import check_new, check_terms, find, keep_an_administrator
from appliance.pipeline.manage.peppers import Peppers, Sealing
from appliance.pipeline.manage.records import Scribe, key_record
from appliance.ports.clock import Clock
from appliance.ports.repositories import Store, Unit

LONGEST_OVERLAP = timedelta(days=90)


class Made(msgspec.Struct, frozen=True):
    """A new key, and its value: to be shown once and kept nowhere."""

    key: Key
    secret: Secret


class Keys:
    """Use cases over keys. `actor` says who asks, for the event."""

    def __init__(self, store: Store, sealing: Sealing, clock: Clock, policies: Sequence[str] = PRESETS) -> None:
        """`policies`: names of the privacy policies that a key may be given."""
        self._store = store
        self._policies = policies
        self._peppers = Peppers(sealing)
        self._clock = clock
        self._scribe = Scribe(clock)

    async def all(self) -> Sequence[Key]:
        """Every key ever made, oldest first."""
        return (await self._store.snapshot()).keys

    async def find(self, which: str) -> Key:
        """By id, or by the name of a key in use. Raises NotFound."""
        return find(await self.all(), which)

    def check(self, terms: KeyTerms) -> None:
        """Raises BadRequest for terms no key may have."""
        check_terms(terms, self._policies)

    async def create(self, terms: KeyTerms, actor: str) -> Made:
        """Raises BadRequest for terms no key may have, Conflict for a name in use."""
        async with self._store.unit() as unit:
            return await self.create_in(unit, terms, actor)

    async def create_in(self, unit: Unit, terms: KeyTerms, actor: str, action: str = "key.create") -> Made:
        """The same inside a transaction that does more."""
        check_new(terms, self._policies, self._clock.now())
        made = await self._make(unit, terms)
        await unit.save_key(made.key)
        await unit.add_event(self._scribe.event(actor, action, made.key.id, None, key_record(made.key)))
        return made

    async def update(self, seen: Key, terms: KeyTerms, actor: str) -> Key:
        """Replace all terms of a key that was `seen`.

        Raises NotFound, BadRequest, Conflict (revoked, replaced, last administrator, or other terms by now than seen).
        """
        async with self._store.unit() as unit:
            found = await _in_use(unit, seen.id)
            if terms_of(found) not in (terms_of(seen), terms):
                raise Conflict(f"key `{found.name}` was changed by somebody else meanwhile; look at it again")
            return await self.update_in(unit, seen.id, terms, actor)

    async def update_in(self, unit: Unit, key: KeyId, terms: KeyTerms, actor: str) -> Key:
        """The same inside a transaction that does more."""
        self.check(terms)
        before = await _in_use(unit, key)
        after = msgspec.structs.replace(before, **msgspec.structs.asdict(terms))
        return await self._change(unit, before, after, "key.update", actor)

    async def block(self, key: KeyId, actor: str) -> Key:
        """Refuse the key until it is unblocked. Raises NotFound, Conflict."""
        return await self._set_blocked(key, actor, "key.block", blocked=True)

    async def unblock(self, key: KeyId, actor: str) -> Key:
        return await self._set_blocked(key, actor, "key.unblock", blocked=False)

    async def revoke(self, key: KeyId, actor: str) -> Key:
        """End the key for good. Raises NotFound, Conflict (revoked already, last administrator)."""
        async with self._store.unit() as unit:
            return await self.revoke_in(unit, key, actor)

    async def revoke_in(self, unit: Unit, key: KeyId, actor: str) -> Key:
        """The same inside a transaction that does more."""
        before = await _not_revoked(unit, key)
        after = msgspec.structs.replace(before, revoked_at=self._clock.now())
        changed = await self._change(unit, before, after, "key.revoke", actor)
        await self._peppers.drop_unneeded(unit)
        return changed

    async def rotate(self, key: KeyId, overlap: timedelta, actor: str) -> Made:
        """Make a successor of the same name and terms; the old value works for `overlap` more, not past its own end.

        Raises NotFound, Conflict (revoked or rotated already, or expired).
        """
        now = self._clock.now()
        async with self._store.unit() as unit:
            old = await _in_use(unit, key)
            if old.expires_at is not None and old.expires_at <= now:
                raise Conflict(f"key `{old.name}` has expired; give it a new `expires_at` first")
            made = await self._make(unit, terms_of(old), blocked=old.blocked)
            end = _end(now, overlap, old.expires_at)
            revoked = now if overlap <= timedelta(0) else None
            ending = msgspec.structs.replace(old, successor=made.key.id, expires_at=end, revoked_at=revoked)
            await unit.save_key(ending)  # first: it gives the name up
            await unit.save_key(made.key)
            await unit.add_event(
                self._scribe.event(actor, "key.rotate", old.id, key_record(old), key_record(ending), str(made.key.id))
            )
            await self._peppers.drop_unneeded(unit)
            return made

    async def rotate_pepper(self, actor: str) -> int:
        """New keys are hashed with a new pepper, old ones at their next use (`rehash`). Returns its version."""
        async with self._store.unit() as unit:
            before = max((pepper.version for pepper in await unit.peppers()), default=0)
            version = await self._peppers.rotate(unit)
            await self._peppers.drop_unneeded(unit)
            await unit.add_event(
                self._scribe.event(actor, "pepper.rotate", "pepper", {"version": before}, {"version": version})
            )
            return version

    async def rehash(self, key: KeyId, presented: Secret) -> bool:
        """Hash a key in use with the newest pepper, when `presented` is its value. True when something changed."""
        async with self._store.unit() as unit:
            found = await unit.key(key)
            if found is None or found.revoked_at is not None or not await self._peppers.matches(unit, found, presented):
                return False
            new = await self._peppers.digested(unit, presented)
            if new.pepper_version == found.pepper_version:
                return False
            await unit.save_key(msgspec.structs.replace(found, digest=new.digest, pepper_version=new.pepper_version))
            await self._peppers.drop_unneeded(unit)
            was, now = {"pepper": found.pepper_version}, {"pepper": new.pepper_version}
            await unit.add_event(self._scribe.event("system", "key.rehash", key, {**was}, {**now}))
            return True

    async def recover(self, actor: str) -> Made:
        """An admin key for a site whose last one is lost. Who may ask is for the caller to know: root of the host."""
        name = f"recovery {self._clock.now():%Y-%m-%d %H.%M.%S}"
        async with self._store.unit() as unit:
            return await self.create_in(unit, KeyTerms(name=name, role=Role.ADMIN), actor, "key.recover")

    async def _make(self, unit: Unit, terms: KeyTerms, *, blocked: bool = False) -> Made:
        secret = mint()
        digested = await self._peppers.digested(unit, secret)
        key = Key(
            id=KeyId(f"key_{secrets.token_hex(8)}"),
            digest=digested.digest,
            pepper_version=digested.pepper_version,
            hint=hint(secret.reveal()),
            blocked=blocked,
            created_at=self._clock.now(),
            **msgspec.structs.asdict(terms),
        )
        return Made(key, secret)

    async def _set_blocked(self, key: KeyId, actor: str, action: str, *, blocked: bool) -> Key:
        async with self._store.unit() as unit:
            before = await _not_revoked(unit, key)
            if before.blocked == blocked:
                raise Conflict(f"key `{before.name}` is {'blocked already' if blocked else 'not blocked'}")
            return await self._change(unit, before, msgspec.structs.replace(before, blocked=blocked), action, actor)

    async def _change(self, unit: Unit, before: Key, after: Key, action: str, actor: str) -> Key:
        known = await unit.keys()
        changed = [after if key.id == after.id else key for key in known]
        keep_an_administrator(known, changed, self._clock.now())
        await unit.save_key(after)
        await unit.add_event(self._scribe.event(actor, action, after.id, key_record(before), key_record(after)))
        return after


async def _not_revoked(unit: Unit, key: KeyId) -> Key:
    found = await unit.key(key)
    if found is None:
        raise NotFound("no key has this id; see `redoubt keys list`", param="key")
    if found.revoked_at is not None:
        raise Conflict(f"key `{found.name}` was revoked on {found.revoked_at:%Y-%m-%d %H:%M} UTC")
    return found


async def _in_use(unit: Unit, key: KeyId) -> Key:
    found = await _not_revoked(unit, key)
    if found.successor is not None:
        raise Conflict(f"key `{found.id}` was replaced by `{found.successor}`; change that one")
    return found


def _end(now: datetime, overlap: timedelta, expires_at: datetime | None) -> datetime:
    end = now + min(overlap, LONGEST_OVERLAP)
    return end if expires_at is None else min(end, expires_at)
