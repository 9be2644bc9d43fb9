"""What the verbs of `redoubt bundle` share: refusals as one line, progress on standard error, options."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from appliance.domain.errors import BadRequest, ConfigError

if TYPE_CHECKING:
    from offline.steps import Step

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW = click.Path(path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EITHER = click.Path(exists=True, path_type=Path)
ARCHITECTURES = ("x86_64", "aarch64")
PYTHONS = ("3.11", "3.12", "3.13")
ERASE = "\r\x1b[K"

passphrase_file = click.option("--passphrase-file", type=FILE, help="A file whose first line opens the key.")


@contextmanager
def told() -> Iterator[None]:
    """Refusals of `offline` as ours."""
    from offline.failure import Failure
    from offline.rules.refusal import Refused

    try:
        yield
    except (Failure, Refused) as error:
        raise ConfigError(str(error)) from error


@contextmanager
def progress() -> "Iterator[Step]":
    """Steps on standard error: one line that changes on a terminal, one line for each kind of step elsewhere."""
    terminal, last = sys.stderr.isatty(), [""]

    def step(what: str, done: int, total: int) -> None:
        counted = f"{what} ({done} of {total})" if total else what
        if terminal:
            click.echo(f"{ERASE}{counted[:100]}", err=True, nl=False)
        elif (kind := what.split(maxsplit=1)[0]) != last[0]:
            last[0] = kind
            click.echo(f"{what if not total else f'{kind} {total} files'} …", err=True)

    try:
        yield step
    finally:
        if terminal:
            click.echo(ERASE, err=True, nl=False)


def by_file(step: "Step", verb: str) -> Callable[[str, int], None]:
    """Progress of the rules, which count files, as steps."""

    def seen(path: str, size: int) -> None:
        del size
        step(f"{verb} {path}", 0, 0)

    return seen


def passphrase(file: Path | None) -> bytes | None:
    """The first line of the file; None without one."""
    return None if file is None else file.read_bytes().split(b"\n", 1)[0].rstrip(b"\r")


def numbers(pairs: tuple[tuple[str, str], ...], what: str) -> dict[str, int]:
    """`name=number` pairs. Raises BadRequest."""
    if wrong := [f"{name}={value}" for name, value in pairs if not (value.isascii() and value.isdigit())]:
        raise BadRequest(f"{what} `{wrong[0]}` is not of the form name=number")
    return {name: int(value) for name, value in pairs}


def size(count: int) -> str:
    """Bytes, for a person."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"


def plain(value: object) -> object:
    """For JSON: paths as texts."""
    import msgspec

    return msgspec.to_builtins(value, enc_hook=str)
