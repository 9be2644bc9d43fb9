"""The key ring: every live key of the site in memory, by digest."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

from appliance.domain.errors import ExpiredKey, InvalidKey
from appliance.domain.identity import Key, Principal
from appliance.identity.keys import LENGTH, digester, parse

UNKNOWN = "the API key is not known here; ask your operator for a key that begins with `rdt_`"


class KeyRing:
    """Knows the keys it was made with: a change in the store makes a new ring."""

    def __init__(self, keys: Sequence[Key], peppers: Mapping[int, bytes], salt_secret: bytes) -> None:
        """`peppers` by version; the newest is tried first. `salt_secret` never leaves the process."""
        self._digests = [digester(peppers[version]) for version in sorted(peppers, reverse=True)]
        self._by_digest = {key.digest: Principal(key, _salt(salt_secret, key)) for key in keys}
        # Keys that came once, by a keyed hash of this ring's own: HMAC and checksum cost three times as much.
        self._marking = secrets.token_bytes(32)
        self._known: dict[bytes, Principal] = {}
        self.newest = max(peppers, default=0)

    def __len__(self) -> int:
        return len(self._by_digest)

    def authenticate(self, token: str, now: datetime) -> Principal:
        """Raises InvalidKey (junk, unknown, blocked, revoked) or ExpiredKey. Nothing else is an answer."""
        if len(token) != LENGTH:  # bounds what a stranger can have hashed
            raise InvalidKey(UNKNOWN)
        mark = blake2b(token.encode(), key=self._marking).digest()
        who = self._known.get(mark)
        if who is None:
            who = self._known[mark] = self._recognised(token)
        return _live(who, now)

    def _recognised(self, token: str) -> Principal:
        key = parse(token)
        if key is not None:
            for digest in self._digests:
                if (who := self._by_digest.get(digest(key))) is not None:
                    return who
        raise InvalidKey(UNKNOWN)

    def principals(self) -> Sequence[Principal]:
        return tuple(self._by_digest.values())


def _live(who: Principal, now: datetime) -> Principal:
    key = who.key
    if key.revoked_at is not None and key.revoked_at <= now:
        raise InvalidKey(f"key `{key.hint}` was revoked; ask your operator for a new one")
    if key.blocked:
        raise InvalidKey(f"key `{key.hint}` is blocked; ask your operator")
    if key.expires_at is not None and key.expires_at <= now:
        raise ExpiredKey(f"key `{key.hint}` expired on {key.expires_at:%Y-%m-%d %H:%M} UTC; ask your operator")
    return who


def _salt(secret: bytes, key: Key) -> str:
    """Tenant of the prefix cache: the workspace where there is one, else the key. 128 bits, hex."""
    tenant = f"workspace:{key.workspace}" if key.workspace else f"key:{key.id}"
    return hmac.digest(secret, tenant.encode(), hashlib.sha256).hex()[:32]
