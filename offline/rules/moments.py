"""Moments as the formats write them: `2026-11-22T00:00:00Z`."""

import re
from datetime import UTC, datetime

from offline.rules.refusal import Fault, Refused

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def read_moment(text: str) -> datetime:
    """Aware, in UTC. Raises Refused for any other spelling."""
    if _MOMENT.fullmatch(text):
        try:
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            pass
    raise Refused(Fault.FORMAT, f"`{text[:40]}` is not a moment such as 2026-11-22T00:00:00Z")


def write_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
