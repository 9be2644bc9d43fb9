"""What every verb stands on: the group that turns refusals into one line and exit 1, and values people type."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import rich_click as click
from click import get_current_context as current_context
from click.exceptions import Exit

from appliance.domain.errors import BadRequest, GatewayError

if TYPE_CHECKING:
    from appliance.desk import Desk

T = TypeVar("T")

_DURATION = re.compile(r"(\d+)([smhdw])")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_LONGEST = 1000 * 366 * 86400  # seconds; added to a moment, more would run out of the calendar
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Verb(click.RichCommand):
    """A command that does something. Its help ends with an example, always."""

    def __init__(self, *args: Any, example: str | tuple[str, ...], **more: Any) -> None:
        super().__init__(*args, **more)
        self.example = (example,) if isinstance(example, str) else example
        self.help = _with_example(self.help, self.example)


class Noun(click.RichGroup):
    """A group of verbs about one thing."""

    command_class = Verb

    def __init__(self, *args: Any, example: str | tuple[str, ...], **more: Any) -> None:
        super().__init__(*args, **more)
        self.example = (example,) if isinstance(example, str) else example
        self.help = _with_example(self.help, self.example)


class Root(Noun):
    """The program. Our own errors end it with one line on standard error and exit 1; a wrong call with exit 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            click.echo(f"redoubt: {error.message}", err=True)
            refuse()


def _with_example(help_: str | None, example: tuple[str, ...]) -> str:
    # click fills paragraphs anew, unless they begin with a backspace
    lines = "".join(f"\n  {line}" for line in example)
    return f"{inspect.cleandoc(help_ or '')}\n\n\b\nExample:{lines}"


def given_file() -> Path | None:
    """What was said with `--config`."""
    found: Path | None = current_context().find_root().obj
    return found


def site_file() -> Path:
    """The configuration file this call is about. Raises ConfigError when there is none."""
    from appliance.config.secrets import config_path

    return config_path(given_file())


def refuse() -> NoReturn:
    """End with exit 1, when what there is to say was printed."""
    raise Exit(1)


def at_desk(work: "Callable[[Desk], Awaitable[T]]") -> T:
    """Open the site, do the work, close it."""
    from appliance.desk import open_desk

    file = site_file()

    async def opened() -> T:
        async with open_desk(file) as desk:
            return await work(desk)

    return asyncio.run(opened())


class Duration(click.ParamType[timedelta]):
    """`30s`, `15m`, `24h`, `7d`, `2w` or `0`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = duration(str(value))
        if found is None:
            self.fail(f"`{value}` is not a duration such as 30s, 15m, 24h, 7d or 0", param, ctx)
        return found


class Moment(click.ParamType[datetime]):
    """`2027-01-31`, `2027-01-31T12:00:00Z`, or a duration counted from now in the direction given."""

    name = "moment"

    def __init__(self, *, ahead: bool) -> None:
        self._ahead = ahead

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if (span := duration(str(value))) is not None:
            return datetime.now(UTC) + (span if self._ahead else -span)
        try:
            found = datetime.fromisoformat(str(value))
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"`{value}` is neither a date such as 2027-01-31, a moment, nor a duration such as 30d", param, ctx
            )


class Pair(click.ParamType[tuple[str, str]]):
    """`name=value`."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, sign, rest = str(value).partition("=")
        if not sign or not name:
            self.fail(f"`{value}` is not of the form name=value", param, ctx)
        return name, rest


class OrNone(click.ParamType[float | str]):
    """A number, or `none` to take a limit away. Any other text stays one, and is refused by whom it is for."""

    name = "number|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        del param, ctx
        text = str(value)
        if not _NUMBER.fullmatch(text):
            return text
        return float(text) if "." in text else int(text)


def duration(text: str) -> timedelta | None:
    """None for what is no duration."""
    if text == "0":
        return timedelta(0)
    match = _DURATION.fullmatch(text)
    if match is None or len(match[1]) > 11 or (seconds := int(match[1]) * _SECONDS[match[2]]) > _LONGEST:
        return None
    return timedelta(seconds=seconds)


def checked(plain: dict[str, object], kind: type[T], what: str) -> T:
    """Plain data as an entity of the configuration. Raises BadRequest, naming every problem."""
    import msgspec

    from appliance.config.problems import problems

    if found := list(problems(plain, kind)):
        raise BadRequest("; ".join(f"{what}: {problem}" for problem in found))
    return msgspec.convert(plain, kind)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
