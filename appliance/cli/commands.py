"""`redoubt commands`: the page `docs/commands.md`, made from the commands themselves."""

import inspect
import textwrap
from collections.abc import Iterator

import rich_click as click
from click import get_current_context as current_context

from appliance.cli.frame import Verb
from appliance.cli.output import say

PREAMBLE = """\
# Commands

`redoubt [--config FILE] NOUN VERB`. The configuration is the file given with `--config`, else the one `REDOUBT_CONFIG`
names, else `redoubt.yaml` here or in `/etc/redoubt`. Every verb that reads takes `--json`. Exit 0: done; 1: refused,
with one line on standard error that says why; 2: the call itself was wrong.

A verb may run beside the gateway; the gateway follows within a second. Values of keys are printed once, when a key is
made, and by nothing else. This page is printed by `redoubt commands`.
"""


@click.command(cls=Verb, example="redoubt commands")
def commands() -> None:
    """Print the page of all commands, as it stands in the docs."""
    root = current_context().find_root()
    say(commands_page(root.command).rstrip())


def commands_page(root: click.Command) -> str:
    """Markdown, one section for each verb, nouns in alphabetical order."""
    return "\n".join([PREAMBLE, *(_section(path, command) for path, command in walk(root, "redoubt"))])


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every noun and verb below a command, with how it is called."""
    if not isinstance(command, click.Group):
        return
    for name in sorted(command.commands):
        below = command.commands[name]
        yield f"{path} {name}", below
        yield from walk(below, f"{path} {name}")


def _section(path: str, command: click.Command) -> str:
    text, _, example = help_of(command).partition("Example:\n")
    heading = f"{'#' * len(path.split())} {path}\n\n"
    shown = textwrap.dedent(example).rstrip()
    usage = "" if isinstance(command, click.Group) else f"`{' '.join([path, *_usage(command)])}`\n\n"
    return f"{heading}{usage}{text.strip()}\n\n{_options(command)}```sh\n{shown}\n```\n"


def help_of(command: click.Command) -> str:
    """The help text of a command, without click's marks."""
    return inspect.cleandoc(command.help or "").replace("\b\n", "")


def _usage(command: click.Command) -> list[str]:
    pieces = command.collect_usage_pieces(click.Context(command))
    return [piece for piece in pieces if piece != "[OPTIONS]" or _listed(command)]


def _options(command: click.Command) -> str:
    ctx = click.Context(command)
    records = [record for param in _listed(command) if (record := param.get_help_record(ctx))]
    if not records or isinstance(command, click.Group):
        return ""
    rows = "".join(f"| `{names}` | {text} |\n" for names, text in ((a.replace("|", "\\|"), b) for a, b in records))
    return f"| option | meaning |\n|---|---|\n{rows}\n"


def _listed(command: click.Command) -> list[click.Parameter]:
    return [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
