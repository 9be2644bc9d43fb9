"""Database errors, said in the gateway's own words. No SQLAlchemy or sqlite3 error leaves this package."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from appliance.domain.errors import BadRequest, Conflict, StoreUnavailable


@contextmanager
def translated(what: str, conflict: dict[str, str] | None = None) -> Iterator[None]:
    """Raise StoreUnavailable, naming `what`, for whatever the database cannot do.

    A broken constraint becomes Conflict: with the text of the first entry of `conflict` whose name (`table.column`)
    the database complained about, else in general words. A text that has no bytes becomes BadRequest.
    """
    try:
        yield
    except IntegrityError as error:
        complaint = str(error.orig)
        known = [text for name, text in (conflict or {}).items() if name in complaint]
        raise Conflict(known[0] if known else f"{what} refused the change: it contradicts what is stored") from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise StoreUnavailable(f"{what} cannot be used now: {reason(cause)}") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{what} cannot be used now: {reason(error)}") from error
    except UnicodeEncodeError as error:
        raise BadRequest("a text holds half of a surrogate pair, which no database can hold") from error
    except msgspec.MsgspecError as error:
        raise StoreUnavailable(f"{what} holds an entry that this release cannot read: {error}") from error


def reason(error: BaseException) -> str:
    """Why, and what to do about the two causes that an operator can mend."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return "the disk is full; make room, the gateway goes on by itself"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another process has been writing to it for too long"
    return f"{error} ({name})" if name else str(error)
