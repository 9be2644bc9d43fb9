"""Who may do what: keys and what they carry."""

from datetime import datetime
from enum import StrEnum

import msgspec

from appliance.domain.ids import KeyId, Micros, ModelName, TeamId, WorkspaceId


class Role(StrEnum):
    """`member` calls models; `admin` administers, on the admin listener only, and calls models like any key."""

    MEMBER = "member"
    ADMIN = "admin"


class Window(StrEnum):
    """Calendar windows, UTC, that a budget renews with."""

    TOTAL = "total"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key may use. None: unlimited."""

    rpm: int | None = None  # requests in any 60 s
    tpm: int | None = None  # tokens, prompt and answer, in any 60 s
    parallel: int | None = None
    budget: Micros | None = None  # money within `window`
    budget_tokens: int | None = None  # tokens within `window`
    window: Window = Window.TOTAL

    def __post_init__(self) -> None:
        for name in ("rpm", "tpm", "parallel", "budget", "budget_tokens"):
            if (value := getattr(self, name)) is not None and value < 0:
                raise ValueError(f"`{name}` is never negative")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual key as stored: everything but the key itself."""

    id: KeyId
    name: str
    digest: bytes  # HMAC-SHA256(pepper of `pepper_version`, key)
    pepper_version: int
    hint: str  # `rdt_LcKW…5csD`: for people to tell keys apart
    role: Role = Role.MEMBER
    models: tuple[ModelName, ...] = ()  # `*` alone: every model; empty: none
    limits: Limits = Limits()
    fields: tuple[str, ...] = ()  # guarded request fields this key may send (`priority`, `cache_salt`, ...)
    blocked: bool = False
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    privacy: str | None = None  # the name of its privacy policy; it can only be stricter than the site's
    successor: KeyId | None = None  # set by rotation; this key then ends at `expires_at`
    workspace: WorkspaceId | None = None
    team: TeamId | None = None
    metadata: dict[str, str] = {}

    def allows(self, model: ModelName) -> bool:
        return "*" in self.models or model in self.models


class Principal(msgspec.Struct, frozen=True):
    """An authenticated caller. There is no default and no anonymous one."""

    key: Key
    salt: str  # prefix-cache salt of the tenant (the key now), stable over restarts


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What this caller may do with this request."""

    principal: Principal
    model: ModelName
    limits: Limits
