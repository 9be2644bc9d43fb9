"""One JSON object a line on standard error, from structlog and from Python's own logging alike."""

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from appliance.observe.mask import mask_line

# Libraries that tell of every request or statement, some with its address or values.
_TALKATIVE = ("aiosqlite", "asyncio", "httpcore", "httpx", "sqlalchemy", "uvicorn.access")


# Of this task's request: its id, its key's id. One variable, set once: structlog's own cost a request 3 us.
_CALLER: ContextVar[tuple[str, str] | None] = ContextVar("caller", default=None)


class LineHandler(logging.StreamHandler[TextIO]):
    """The one handler of ours: known by its class, so that configuring twice does not write every line twice."""


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error), as JSON, from `level` up.

    Every line has `at` (UTC), `level`, `logger` and `event`; inside a request, `request_id` and `key_id` too. CR, LF
    and every other control character are escaped, so that a line is a line.
    """
    shared: list[Processor] = [
        _caller,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_line, _as_json],
    )
    handler = LineHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, LineHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)  # a warning printed as text would not be a line of JSON


def note_caller(request_id: str, key_id: str) -> None:
    """From here on, every line of this task tells whose request it belongs to."""
    _CALLER.set((request_id, key_id))


def _caller(_logger: object, _method: str, line: EventDict) -> EventDict:
    caller = _CALLER.get()
    if caller is not None:
        line.setdefault("request_id", caller[0])
        line.setdefault("key_id", caller[1])
    return line


def _as_json(_logger: object, _method: str, line: Mapping[str, Any]) -> str:
    first = {name: line[name] for name in ("at", "level", "logger", "event") if name in line}
    return json.dumps({**first, **line}, default=str)
