"""What a key's terms may be, how keys are found, and that an administrator is always left."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from appliance.config.desired import KeyTerms
from appliance.config.problems import nearest
from appliance.domain import names
from appliance.domain.errors import BadRequest, Conflict, NotFound
from appliance.domain.identity import Key, Role
from appliance.policy.rules import GUARDED

LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # a calendar ends with the year 9999, and a zone may carry a moment beyond it
ID = re.compile(r"key_[0-9a-f]{16}")


def check_terms(terms: KeyTerms, policies: Sequence[str]) -> None:
    """Raises BadRequest, with `param`, for terms no key may have. `policies`: names of privacy policies there are."""
    if terms.privacy is not None and terms.privacy not in policies:
        hint = nearest(terms.privacy, policies)
        raise BadRequest(f"no privacy policy is named `{terms.privacy[:64]}`{hint}", param="privacy")
    if not names.KEY.fits(terms.name):
        raise BadRequest(f"the key: expected {names.KEY.words}", param="name")
    if ID.fullmatch(terms.name):
        raise BadRequest("a key's name may not look like a key's id (`key_` and 16 hex digits)", param="name")
    if "*" in terms.models and len(terms.models) > 1:
        raise BadRequest("`*` is every model; leave the other names out", param="models")
    if terms.expires_at is not None and terms.expires_at >= LATEST:
        raise BadRequest(f"`expires_at` lies beyond the year {LATEST.year}; leave it out", param="expires_at")
    for field in terms.fields:
        if field not in GUARDED:
            hint = nearest(field, sorted(GUARDED))
            raise BadRequest(f"`{field}` is not a guarded request field{hint}", param="fields")


def check_new(terms: KeyTerms, policies: Sequence[str], now: datetime) -> None:
    """The same for a key that is about to be made."""
    check_terms(terms, policies)
    if terms.expires_at is not None and terms.expires_at <= now:
        raise BadRequest(f"`expires_at` is in the past ({terms.expires_at:%Y-%m-%d %H:%M} UTC)", param="expires_at")


def current(keys: Iterable[Key]) -> list[Key]:
    """Keys that hold their name: neither revoked nor replaced by a rotation."""
    return [key for key in keys if key.revoked_at is None and key.successor is None]


def find(keys: Sequence[Key], which: str) -> Key:
    """A key by its id, or by the name of a current one. Raises NotFound with the nearest name."""
    for key in keys:
        if key.id == which:
            return key
    live = current(keys)
    for key in live:
        if key.name == which:
            return key
    hint = nearest(which, [key.name for key in live], "see `redoubt keys list`")
    raise NotFound(f"no key has this name or id{hint}", param="key")


def administers(key: Key, now: datetime) -> bool:
    """True for a key that can administer right now."""
    ended = key.expires_at is not None and key.expires_at <= now
    return key.role is Role.ADMIN and not key.blocked and key.revoked_at is None and not ended


def keep_an_administrator(before: Sequence[Key], after: Sequence[Key], now: datetime) -> None:
    """Raises Conflict when a change would take the last working admin key away."""
    if any(administers(key, now) for key in before) and not any(administers(key, now) for key in after):
        raise Conflict(
            "this is the last admin key that works; make another first (`redoubt keys create NAME --role admin`)"
        )
