import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.secret import Secret
from appliance.identity.keys import hint, mint
from appliance.observe.logging import LineHandler, configure, note_caller
from appliance.observe.mask import mask_line, masked_text

KEY = "rdt_0123456789abcdefghijABCDEFGHIJ123456"


class Lines:
    """What was written, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def one(self) -> dict[str, Any]:
        (line,) = self.all()
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    level = root.level
    written = Lines()
    configure("info", written.stream)
    yield written
    for handler in [one for one in root.handlers if isinstance(one, LineHandler)]:
        root.removeHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_a_line_of_pythons_logging_is_json_with_time_level_and_logger(lines: Lines) -> None:
    logging.getLogger("appliance.x").info("%d rows wait", 3, extra={"rows": 3})

    line = lines.one()
    assert {name: line[name] for name in ("level", "logger", "event", "rows")} == {
        "level": "info",
        "logger": "appliance.x",
        "event": "3 rows wait",
        "rows": 3,
    }
    assert line["at"].endswith("Z")


def test_a_line_of_structlog_looks_the_same(lines: Lines) -> None:
    structlog.get_logger("appliance.x").warning("rows wait", rows=3)

    line = lines.one()
    assert (line["level"], line["logger"], line["event"], line["rows"]) == ("warning", "appliance.x", "rows wait", 3)


def test_lines_inside_a_request_tell_whose_it_is_and_others_do_not(lines: Lines) -> None:
    def request() -> None:
        note_caller("req_1", "key_2")
        logging.getLogger("x").info("inside")

    copy_context().run(request)
    logging.getLogger("x").info("outside")

    inside, outside = lines.all()
    assert (inside["request_id"], inside["key_id"]) == ("req_1", "key_2")
    assert "request_id" not in outside
    assert "key_id" not in outside


def test_a_line_stays_one_line_whatever_is_in_it(lines: Lines) -> None:
    logging.getLogger("x").info("a\r\nb\u2028\x1b[31m%s", "\n{}", extra={"why": "c\nd"})

    assert lines.text.count("\n") == 1
    assert "\r" not in lines.text
    assert "\x1b" not in lines.text
    assert lines.one()["event"] == "a\r\nb\u2028\x1b[31m\n{}"


def test_configuring_twice_writes_every_line_once(lines: Lines) -> None:
    configure("info", lines.stream)

    logging.getLogger("x").info("once")

    assert len(lines.all()) == 1


def test_lines_below_the_level_are_not_written(lines: Lines) -> None:
    configure("error", lines.stream)

    logging.getLogger("x").warning("quiet")
    structlog.get_logger("x").warning("quiet")

    assert lines.text == ""


def test_libraries_that_tell_of_every_request_are_held_to_warnings(lines: Lines) -> None:
    logging.getLogger("httpx").info("HTTP Request: POST http://inside/v1")

    assert lines.text == ""


def test_a_warning_is_a_line_too(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)  # the block above has put the old way back
        warnings.warn("old", UserWarning, stacklevel=1)

    assert lines.one()["logger"] == "py.warnings"


def test_a_traceback_is_in_its_line_and_is_masked(lines: Lines) -> None:
    def fail() -> None:
        raise LookupError(f"no such key: {KEY}")

    try:
        fail()
    except LookupError:
        logging.getLogger("x").exception("fault")

    assert "LookupError: no such key: rdt_…" in lines.one()["exception"]
    assert KEY not in lines.text


@pytest.mark.parametrize(
    "message",
    [
        f"key {KEY} is blocked",
        f"Authorization: Bearer {KEY}",
        f"{{'authorization': 'Bearer {KEY}'}}",
        f"headers: [(b'authorization', b'Bearer {KEY}')]",
        f"bearer   {KEY}",
        f"x-api-key={KEY}",
        f"http://user:{KEY}@inside:8000/v1",
        f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_key_is_masked_wherever_it_stands(lines: Lines, message: str) -> None:
    logging.getLogger("x").info("%s", message)
    logging.getLogger("x").info("seen", extra={"where": {"deep": [message]}})
    structlog.get_logger("x").info(message, what=message)

    assert KEY not in lines.text
    assert len(lines.all()) == 3


@pytest.mark.parametrize(
    ("text", "canary"),
    [
        ("Bearer hunter2hunter2", "hunter2"),
        ("authorization: Basic aHVudGVyMg==", "aHVudGVyMg"),
        ("sk-hunter2hunter2", "hunter2"),
        ("token hf_hunter2hunter2 refused", "hunter2"),
        ("postgresql://redoubt:hunter2@db/redoubt", "hunter2"),
        ("password = hunter2", "hunter2"),
    ],
)
def test_credentials_of_others_are_masked_too(text: str, canary: str) -> None:
    assert canary not in masked_text(text)
    assert "…" in masked_text(text)


def test_a_hint_of_a_key_may_be_read() -> None:
    shown = hint(mint().reveal())

    assert masked_text(f"key `{shown}` is spent") == f"key `{shown}` is spent"


@pytest.mark.parametrize(
    "name", ["Authorization", "api_key", "x-api-key", "secret", "Set-Cookie", "messages", "body", "prompt"]
)
def test_a_field_named_for_a_secret_or_a_body_is_never_written(name: str) -> None:
    assert mask_line(None, "", {name: "canary"}) == {name: "…"}
    assert mask_line(None, "", {"request": {name: ["canary"]}}) == {"request": {name: "…"}}


def test_secrets_bytes_and_the_bottomless_are_not_written() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless

    line = mask_line(None, "", {"a": Secret("canary"), "b": b"canary", "c": endless, "d": float("nan")})

    assert line["a"] == "…"
    assert line["b"] == "6 bytes"
    assert line["d"] == "nan"
    assert len(json.dumps(line["c"])) < 200


def test_a_value_without_end_is_cut() -> None:
    assert len(masked_text("a" * 1_000_000)) < 10_000


@given(st.text(), st.text())
def test_a_key_between_any_words_is_masked(before: str, after: str) -> None:
    assert KEY not in masked_text(f"{before}{KEY}{after}")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), json_like, max_size=4))
def test_any_line_can_be_written_as_json(line: dict[str, object]) -> None:
    json.loads(json.dumps(mask_line(None, "", line), allow_nan=False))
