"""One row for every request, whatever became of it."""

from datetime import datetime
from enum import StrEnum

import msgspec

from appliance.domain.ids import KeyId, Micros, RequestId, TeamId, WorkspaceId
from appliance.domain.usage import Usage


class Status(StrEnum):
    """How a request ended. Exactly one applies."""

    OK = "ok"
    REFUSED = "refused"  # by the gateway, before any deployment was called
    REJECTED = "rejected"  # by the model server, for the client's fault
    FAILED = "failed"  # every attempt failed, or the stream broke
    GONE = "gone"  # the client left (499)
    STOPPED = "stopped"  # the gateway was stopping


class Treated(msgspec.Struct, frozen=True, gc=False):
    """How often an entity was found and what became of it. Never a value, nor anything made of one."""

    entity: str
    action: str  # of privacy.Action
    count: int
    direction: str = "in"  # of privacy.Direction


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who asked what of which deployment, and what it took."""

    at: datetime  # UTC, when the request arrived
    request_id: RequestId
    key_id: KeyId
    workspace: WorkspaceId | None = None
    team: TeamId | None = None
    kind: str  # of upstream.Kind
    model: str
    deployment: str | None = None  # public label of the last deployment tried
    provider: str | None = None
    attempts: int = 0
    streamed: bool = False
    status: Status
    http_status: int
    error: str | None = None  # our error code, never a message
    usage: Usage = Usage()
    cost: Micros = Micros(0)
    unpriced: bool = False  # cost is zero because the site declared a default price of 0
    first_token_ms: int | None = None  # from arrival to the first non-empty delta
    total_ms: int = 0
    overhead_ms: float = 0.0  # total less the time spent waiting for upstreams
    policy: str | None = None  # id of the privacy policy that looked at it
    analyser: str | None = None  # name and hash of the NER model that was asked
    treated: tuple[Treated, ...] = ()
