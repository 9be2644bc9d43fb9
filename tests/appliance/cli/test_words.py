"""What the program says of itself: help with examples, docs that are its own print, and no verb that is not there."""

import ast
import re
from importlib.resources import files
from pathlib import Path

import pytest
import rich_click as click

from appliance.cli import main
from appliance.cli.commands import commands_page, help_of, walk
from appliance.config.reference import setting_paths, settings_page
from tests.appliance.cli.conftest import call

ROOT = Path(__file__).parents[3]
EVERY = dict(walk(main, "redoubt"))
VERBS = {path: command for path, command in EVERY.items() if not isinstance(command, click.Group)}
CHANGES = {
    "apply", "approve", "block", "create", "delete", "init", "migrate", "quickstart", "recover", "restore", "revoke",
    "rotate", "rotate-pepper", "serve", "set", "unblock",
}  # fmt: skip
PAGES = {"redoubt commands", "redoubt config example", "redoubt config schema", "redoubt config settings"}


def doc(name: str) -> str:
    return files("appliance.docs").joinpath(name).read_text()


@pytest.mark.parametrize("path", EVERY)
def test_every_command_helps_with_an_example_that_calls_it(path: str) -> None:
    _, marker, example = help_of(EVERY[path]).partition("Example:\n")

    assert marker
    first = example.strip().splitlines()[0].removeprefix("sudo ")
    assert path in re.sub(r" --config \S+", "", first)
    assert call(*path.split()[1:], "--help").exit_code == 0


@pytest.mark.parametrize("path", sorted(VERBS.keys() - PAGES))
def test_every_verb_that_reads_answers_programs_too(path: str) -> None:
    verb = path.rsplit(maxsplit=1)[-1]

    assert verb in CHANGES or "--json" in {name for param in VERBS[path].params for name in param.opts}


@pytest.mark.parametrize("path", VERBS)
def test_every_option_says_what_it_means(path: str) -> None:
    assert [param.name for param in VERBS[path].params if isinstance(param, click.Option) and not param.help] == []


def test_the_page_of_commands_is_what_the_program_prints() -> None:
    assert doc("commands.md") == commands_page(main).rstrip() + "\n", (
        "run `redoubt commands > appliance/docs/commands.md`"
    )
    assert [path for path in EVERY if f"# {path}\n" not in doc("commands.md")] == []


def test_the_page_of_settings_is_what_the_program_prints() -> None:
    printed = settings_page().rstrip() + "\n"

    assert doc("settings.md") == printed, "run `redoubt config settings > appliance/docs/settings.md`"
    assert [path for path in setting_paths() if f"| `{path}` |" not in doc("settings.md")] == []


def test_every_call_that_a_message_or_page_advises_exists() -> None:
    advised = re.compile(r"`(?:sudo )?redoubt((?: [a-z-]+)+)")
    wrong = []
    for file in [*(ROOT / "appliance").rglob("*.py"), *(ROOT / "appliance" / "docs").glob("*.md"), *ROOT.glob("*.md")]:
        for called in advised.findall(_texts(file)):
            command: click.Command = main
            for word in called.split():
                if not isinstance(command, click.Group):
                    break
                if word not in command.commands:
                    wrong.append(f"{file.relative_to(ROOT)}: redoubt{called}")
                    break
                command = command.commands[word]
    assert wrong == []


def _texts(file: Path) -> str:
    """The texts in a program, glued together as Python would; other files as they are."""
    if file.suffix != ".py":
        return file.read_text()
    parsed = ast.walk(ast.parse(file.read_text()))
    return "\n".join(node.value for node in parsed if isinstance(node, ast.Constant) and isinstance(node.value, str))
