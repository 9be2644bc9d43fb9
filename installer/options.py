"""What was asked, on the command line or in an answers file. The command line wins."""

import argparse
import tomllib
from pathlib import Path
from typing import Any

from installer.failure import Failed

ANSWERS: dict[str, type] = {
    "trust": str,
    "fingerprint": str,
    "require_approval": str,
    "accept_expired": str,
    "accept_clock": str,
    "accept_stale_advisories": str,
    "accept_unwatched_natives": str,
    "trial": bool,
    "yes": bool,
    "host": str,
    "api_port": int,
    "admin_port": int,
    "user": str,
}


def with_answers(asked: argparse.Namespace) -> argparse.Namespace:
    """Fill what was not given from `--answers FILE`. Raises Failed for an answer that is none."""
    if not getattr(asked, "answers", None):
        return asked
    try:
        told: dict[str, Any] = tomllib.loads(Path(asked.answers).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failed(f"the answers in `{asked.answers}` cannot be read: {error}") from error
    for name, value in told.items():
        key = name.replace("-", "_")
        if key not in ANSWERS or not hasattr(asked, key):
            raise Failed(f"`{asked.answers}` answers `{name}`, which nobody asks here")
        if type(value) is not ANSWERS[key]:
            raise Failed(f"`{asked.answers}`: `{name}` must be a {ANSWERS[key].__name__}")
        if getattr(asked, key) in {None, False}:
            setattr(asked, key, value)
    return asked


def accepted(asked: argparse.Namespace) -> dict[str, str]:
    """What is overruled -> the reason. Raises Failed for a reason that is none."""
    found: dict[str, str] = {}
    for name in ("expired", "clock", "stale_advisories", "unwatched_natives"):
        reason = getattr(asked, f"accept_{name}", None)
        if reason is not None:
            if len(reason.split()) < 2 or not reason.isprintable() or len(reason) > 300:
                raise Failed(f"`--accept-{name.replace('_', '-')}` wants a reason in words; it is kept for reviewers")
            found[name] = reason
    return found
