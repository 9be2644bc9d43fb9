"""Verbs that need the `tools` environment find it beside the one that serves, or say that it is missing."""

import os
import sys
from pathlib import Path

import pytest
import rich_click as click
from click.testing import CliRunner

from appliance.cli import tools
from appliance.cli.frame import Root, Verb
from appliance.cli.tools import Tools


@click.group(cls=Root, example="redoubt parts list")
def root() -> None:
    """A program."""


@root.group(cls=Tools, example="redoubt parts list")
def parts() -> None:
    """A noun of the tools environment."""


@parts.command(cls=Verb, name="list", example="redoubt parts list")
def list_() -> None:
    click.echo("listed here")


def test_a_verb_runs_here_when_its_libraries_are_here() -> None:
    assert CliRunner().invoke(root, ["parts", "list"]).output == "listed here\n"


def test_a_verb_without_its_libraries_is_handed_over_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "tools" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    called: list[tuple[Path, list[str]]] = []
    monkeypatch.setattr(tools, "MARK", "no_such_library")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "serve"))
    monkeypatch.setattr(sys, "argv", ["redoubt", "parts", "list"])
    monkeypatch.setattr(os, "execv", lambda program, words: called.append((program, words)))

    CliRunner().invoke(root, ["parts", "list"])

    assert called == [(python, [str(python), "-I", "-m", "appliance.cli", "parts", "list"])]


def test_a_release_without_tools_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "MARK", "no_such_library")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "serve"))

    ran = CliRunner().invoke(root, ["parts", "list"])

    assert ran.exit_code == 1
    assert "needs the `tools` environment of the release" in ran.output


def test_help_never_needs_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "MARK", "no_such_library")

    assert "list" in CliRunner().invoke(root, ["parts", "--help"]).output
