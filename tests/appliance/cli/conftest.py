"""A site in a folder of its own, and its program. The store is the real one; no gateway runs."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

from appliance.cli import main
from appliance.domain.ledger import LedgerRow
from appliance.store import open_for_serving
from tests.fakes.clock import FakeClock


class Program(NamedTuple):
    """`redoubt --config FILE`."""

    config: Path
    admin_key: str

    @property
    def data(self) -> Path:
        return self.config.parent / "data"

    def run(self, *words: str, typed: str | None = None) -> Result:
        return call("--config", str(self.config), *words, typed=typed)

    def say(self, *words: str) -> str:
        """Its output, when it did what was asked."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.say(*words, "--json"))

    def refusal(self, *words: str) -> str:
        """The one line on standard error of a verb that refuses."""
        result = self.run(*words)
        assert result.exit_code == 1, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("redoubt: ")
        return result.stderr.removeprefix("redoubt: ").rstrip("\n")

    def deploy(self, name: str = "llama/one", url: str = "http://127.0.0.1:9", *more: str) -> None:
        self.say(
            "deployments", "set", name, "--provider", "vllm", "--url", url, "--upstream-model", "meta/llama", *more
        )

    def record(self, rows: Sequence[LedgerRow]) -> None:
        """Write rows as the gateway would."""

        async def write() -> None:
            async with await open_for_serving(self.data, FakeClock()) as opened:
                for row in rows:
                    opened.ledger.record(row)

        asyncio.run(write())


def call(*words: str, typed: str | None = None) -> Result:
    """The program without a configuration."""
    return CliRunner().invoke(main, list(words), input=typed, prog_name="redoubt", catch_exceptions=False)


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("sites") / "new"
    made = json.loads(call("init", str(folder), "--json").stdout)
    return folder, made["keys"][0]["key"]


@pytest.fixture
def program(new_site: tuple[Path, str], tmp_path: Path) -> Program:
    """A site just made."""
    folder, key = new_site
    shutil.copytree(folder, tmp_path / "site")
    return Program(tmp_path / "site" / "redoubt.yaml", key)
