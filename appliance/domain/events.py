"""Administrative changes and security refusals, as they are kept for good."""

from datetime import datetime

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to what. `before` and `after` never hold a secret."""

    at: datetime
    actor: str  # key id, `cli:<os user>`, or `system`
    action: str  # `key.create`, `model.update`, `egress.refused`, `auth.refused`, ...
    subject: str  # id of what it was done to
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None
    detail: str = ""
