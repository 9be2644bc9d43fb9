"""From a medium to a gateway that serves, through the real program and real processes."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.held import Busy, held
from installer.layout import within
from installer.process import ProcessService
from tests.e2e.site import eventually
from tests.fakes.bundle import write_tree
from tests.fakes.overlay import PAPER, adapter, sealed
from tests.installer.house import FINGERPRINT, installer, small


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


ASKING = ("start", "stop", "status", "verify-installed")
PORTS = ("--api-port", free_port(), "--admin-port", free_port())


@pytest.fixture
def prefix(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "site"
    yield folder
    ProcessService(within(folder)).stop()


def test_a_release_is_installed_into_a_private_prefix_and_serves(tmp_path: Path, prefix: Path) -> None:
    medium = small().write(tmp_path / "medium")

    ran = installer(
        medium, "install", str(medium), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial", *PORTS
    )

    assert ran.returncode == 0, ran.stderr
    assert ProcessService(within(prefix)).running()
    spent = subprocess.run([prefix / "bin/redoubt", "spend"], capture_output=True, text=True, check=True)
    assert spent.stdout == "0\n"


def test_nothing_is_left_of_a_medium_that_was_refused(tmp_path: Path, prefix: Path) -> None:
    medium = small().write(tmp_path / "medium")
    (medium / "wheels" / "alpha-1.0-py3-none-any.whl").write_bytes(b"something else")

    ran = installer(
        medium, "install", str(medium), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial", *PORTS
    )

    assert ran.returncode == 1
    assert "is not what was signed" in ran.stderr
    assert sorted(one.name for one in prefix.iterdir()) == ["state"]


def test_nothing_that_a_hostile_host_plants_has_any_effect(tmp_path: Path, prefix: Path) -> None:
    """Settings of pip, of distutils and of Python itself, in the environment, the home and the folder of the caller."""
    medium, home = small().write(tmp_path / "medium"), tmp_path / "home"
    marked, said = tmp_path / "ran", "import pathlib; pathlib.Path({!r}).touch()\n".format(str(tmp_path / "ran"))
    user_site = home / f".local/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    write_tree(
        home,
        {
            ".config/pip/pip.conf": b"[global]\nindex-url = http://127.0.0.1:9/simple\nno-deps = false\n",
            ".pip/pip.conf": b"[install]\nextra-index-url = http://127.0.0.1:9/simple\n",
            ".pydistutils.cfg": f"[install]\nprefix = {tmp_path}/elsewhere\n".encode(),
            "planted/sitecustomize.py": said.encode(),
            "planted/appliance/__init__.py": said.encode(),
            "planted/json.py": said.encode(),
            "json.py": said.encode(),
            "startup.py": said.encode(),
        },
    )
    write_tree(user_site, {"usercustomize.py": said.encode(), "evil.pth": said.encode()})
    hostile = {
        "PATH": f"{home}:/usr/bin:/bin",
        "HOME": str(home),
        "PYTHONPATH": str(home / "planted"),
        "PYTHONSTARTUP": str(home / "startup.py"),
        "PYTHONUSERBASE": str(home / ".local"),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": str(home / ".pip/pip.conf"),
        "PIP_TARGET": str(tmp_path / "elsewhere"),
        "OPENSSL_CONF": str(home / "openssl.cnf"),
    }
    words = ("install", str(medium), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial", *PORTS)
    command = [sys.executable, "-I", "-S", "-B", str(medium / "installer.pyz"), *words]

    ran = subprocess.run(command, env=hostile, cwd=home, capture_output=True, text=True, check=False)
    asked = [str(prefix / "bin/redoubt"), "spend"]
    spent = subprocess.run(asked, env=hostile, cwd=home, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert spent.stdout == "0\n", spent.stderr
    assert not marked.exists()
    assert not (tmp_path / "elsewhere").exists()
    assert [str(one) for one in (prefix / "releases").rglob("*.pth")] == []


@pytest.mark.parametrize("at", ["after done:switch", "before commit", "after commit"])
def test_a_killed_upgrade_of_real_processes_is_brought_to_its_end_by_the_next_call(
    tmp_path: Path, prefix: Path, at: str
) -> None:
    first, second = small().write(tmp_path / "first"), small("0.2.0", 8).write(tmp_path / "second")
    installer(first, "install", str(first), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial", *PORTS)
    program = str(prefix / "bin/redoubt-installer")
    subprocess.run([prefix / "bin/redoubt", "spend", "77"], capture_output=True, check=True)

    killed = subprocess.run([program, "upgrade", str(second), "--die-at", at], capture_output=True, check=False)
    resumed = subprocess.run([program, "resume"], capture_output=True, text=True, check=False)
    told = subprocess.run([program, "status", "--json"], capture_output=True, text=True, check=False)

    assert killed.returncode in {-9, 137}
    assert resumed.returncode == 0, resumed.stderr
    assert told.returncode == 0, told.stdout
    assert f'"version": "{"0.2.0" if at == "after commit" else "0.1.0"}"' in told.stdout
    serves = "0.2.0" if at == "after commit" else "0.1.0"
    eventually(lambda: (prefix / "data/gateway.json").read_text() == serves)  # it verifies what it is before it serves
    spent = subprocess.run([prefix / "bin/redoubt", "spend"], capture_output=True, text=True, check=True)
    assert spent.stdout == "77\n"


def test_two_installers_at_once_are_one_too_many(tmp_path: Path, prefix: Path) -> None:
    medium = small().write(tmp_path / "medium")

    with held(within(prefix)):
        ran = installer(medium, "install", str(medium), "--prefix", str(prefix), "--trial")

    assert ran.returncode == 1
    assert "another installer works on" in ran.stderr


def test_a_program_that_outlives_a_killed_installer_still_holds_the_site(prefix: Path) -> None:
    with held(within(prefix)) as lock:
        left = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,))

    with pytest.raises(Busy), held(within(prefix)):
        pass
    left.communicate(b"\n")
    with held(within(prefix)):
        pass


def test_answers_are_taken_from_a_file_and_an_unknown_one_is_refused(tmp_path: Path, prefix: Path) -> None:
    medium, answers = small().write(tmp_path / "medium"), tmp_path / "answers.toml"
    words = ("install", str(medium), "--prefix", str(prefix), "--answers", str(answers), *PORTS)

    answers.write_text('fingerprnt = "x"\n')
    assert "which nobody asks here" in installer(medium, *words).stderr
    answers.write_text(f'fingerprint = "{FINGERPRINT}"\ntrial = true\n')
    ran = installer(medium, *words)

    assert ran.returncode == 0, ran.stderr


def test_every_help_ends_with_an_example() -> None:
    for verb in ("install", "upgrade", "rollback", "uninstall", "overlay", "resume", *ASKING):
        command = [sys.executable, "-m", "installer", verb, "--help"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
        assert f"Example:\n  redoubt-installer {verb}" in ran.stdout


def made(tmp_path: Path, prefix: Path, *words: str) -> str:
    """The installer's program of a new site."""
    medium = small().write(tmp_path / "medium")
    words = ("install", str(medium), "--prefix", str(prefix), "--fingerprint", FINGERPRINT, *words, *PORTS)
    assert installer(medium, *words).returncode == 0
    return str(prefix / "bin/redoubt-installer")


def told(*words: str) -> tuple[int, str, str]:
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


def test_a_gateway_is_stopped_and_started_again_and_both_twice(tmp_path: Path, prefix: Path) -> None:
    program = made(tmp_path, prefix, "--trial")
    service, seen = ProcessService(within(prefix)), []

    for verb in ("stop", "stop", "start", "start"):
        code, out, _ = told(program, verb, "--json")
        said = json.loads(out)
        seen.append((verb, code, said["changed"], said["running"], service.running()))

    assert seen == [
        ("stop", 0, True, False, False),
        ("stop", 0, False, False, False),
        ("start", 0, True, True, True),
        ("start", 0, False, True, True),
    ]
    assert told(program, "status")[0] == 0


def test_a_site_of_which_a_file_was_changed_is_not_started(tmp_path: Path, prefix: Path) -> None:
    program = made(tmp_path, prefix)
    told(program, "stop")
    [changed] = (prefix / "current/serve/lib").rglob("alpha/data.txt")
    changed.write_bytes(b"changed")

    code, _, said = told(program, "start")

    assert (code, "the gateway is not started: it is not what was installed: changed: " in said) == (1, True)
    assert not ProcessService(within(prefix)).running()


def test_whoever_starts_it_a_changed_file_is_found_before_the_gateway_runs(tmp_path: Path, prefix: Path) -> None:
    program = made(tmp_path, prefix)
    told(program, "stop")
    [changed] = (prefix / "current/serve/lib").rglob("alpha/data.txt")
    changed.write_bytes(b"changed")
    before = (prefix / "data/gateway.json").read_bytes()

    code, _, said = told(str(prefix / "bin/redoubt-serve"))

    assert (code, "changed: " in said) == (1, True)
    assert (prefix / "data/gateway.json").read_bytes() == before


def test_a_gateway_that_ends_again_says_why_at_once(tmp_path: Path, prefix: Path) -> None:
    program = made(tmp_path, prefix, "--trial")
    told(program, "stop")
    (prefix / "data/gateway.json").unlink()
    (prefix / "data/gateway.json").mkdir()

    code, _, said = told(program, "start")

    assert (code, "IsADirectoryError" in said, "gateway.log" in said) == (1, True, True)


def test_nothing_is_started_or_stopped_where_nothing_is_installed(tmp_path: Path) -> None:
    for verb in ("start", "stop"):
        code, _, said = told(sys.executable, "-m", "installer", verb, "--prefix", str(tmp_path / "nowhere"))
        assert (code, "there is no release in" in said) == (1, True)
    assert not (tmp_path / "nowhere").exists()


def test_a_site_whose_adapter_has_an_altered_byte_is_not_started(tmp_path: Path, prefix: Path) -> None:
    program = made(tmp_path, prefix)
    adapter(tmp_path / "adapter/wheels")
    added = told(program, "overlay", "add", str(sealed(tmp_path / "adapter")), "--fingerprint", PAPER)
    told(program, "stop")
    [wheel] = (prefix / "overlays").rglob("*.whl")
    wheel.write_bytes(wheel.read_bytes().replace(b"9000", b"9001"))

    code, _, said = told(program, "start")

    assert (added[0], "name `acme` in `plugins.allow`" in added[1]) == (0, True), added
    assert (code, "is not what was signed" in said) == (1, True)
    assert not ProcessService(within(prefix)).running()
