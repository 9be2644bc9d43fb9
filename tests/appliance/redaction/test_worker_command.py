"""The line that starts a worker at a site: which program it runs, whatever lies in the folder it is started from."""

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from appliance.domain.privacy import Analysis, Entity
from appliance.redaction import wire
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment, worker_command

ROOT = Path(__file__).parents[3]
CARD = "4111 1111 1111 1111"
PLANTED = ("appliance", "msgspec", "spacy", "presidio_analyzer", "json", "sitecustomize", "usercustomize")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which this checkout lies as a package, as in a site's `serve`."""
    place = tmp_path_factory.mktemp("serve")
    venv.EnvBuilder(symlinks=True, with_pip=False).create(place)
    [packages] = place.glob("lib/python3*/site-packages")
    (packages / "appliance").symlink_to(ROOT / "appliance")
    (packages / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return place / "bin/python"


@pytest.fixture
def command(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(sys, "executable", str(installed))
    return worker_command()


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A folder of modules that a worker would import, each of which ends it."""
    for name in PLANTED:
        (tmp_path / f"{name}.py").write_text(f"import os\nos.write(2, b'planted {name}')\nos._exit(66)\n")
    return tmp_path


def ran(command: Sequence[str], folder: Path, more: Mapping[str, str]) -> "subprocess.CompletedProcess[bytes]":
    """To the end of an empty input, started in that folder."""
    env = {**environment(), **more}
    return subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def user_site(folder: Path) -> Path:
    """Where Python looks for what a user installed for himself, below PYTHONUSERBASE."""
    return folder / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def test_it_imports_neither_from_where_it_is_started_nor_from_what_the_environment_names(
    command: Sequence[str], planted: Path, tmp_path: Path
) -> None:
    user_site(tmp_path).parent.mkdir(parents=True)
    user_site(tmp_path).symlink_to(planted)

    told = ran(command, planted, {"PYTHONPATH": str(planted), "PYTHONUSERBASE": str(tmp_path)})

    assert (told.returncode, told.stderr) == (0, b"")
    assert told.stdout == wire.framed(wire.Ready(""))


@pytest.mark.parametrize("way", ["started from", "named"])
def test_without_its_isolation_it_would(way: str, command: Sequence[str], planted: Path) -> None:
    """Or the test above would show nothing."""
    open_ = [word for word in command if word != "-I"]

    told = ran(open_, planted, {}) if way == "started from" else ran(open_, Path("/"), {"PYTHONPATH": str(planted)})

    assert told.returncode == 66
    assert told.stderr.startswith(b"planted ")


def words(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]


async def test_a_pool_of_it_finds_what_it_is_asked_for(command: Sequence[str]) -> None:
    settings = PoolSettings(workers=1, wait_s=60, deadline_s=60)
    async with PooledAnalyser(settings, command, environment()) as analyser:
        (found,) = await analyser.find(Analysis(entities=(Entity("CREDIT_CARD"),)), [f"take it from {CARD}"])

        assert [(one.entity, one.start, one.end) for one in found] == [("CREDIT_CARD", 13, 32)]
        [pid] = analyser.pids
        assert words(pid) == list(command)
        assert command[1:] == ("-I", "-B", "-m", "appliance.redaction.worker")
