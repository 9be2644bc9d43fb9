"""What a confined process can no longer do, tried in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
TRY = """
import json, os, resource, socket, subprocess, sys, threading, urllib.request
sys.path[:0] = [{root!r}]
from appliance.redaction.worker.confine import confine
listen, speak = confine()
print("a library prints")
def attempt():
    {body}
try:
    attempt()
    told = "done"
except OSError as error:
    told = type(error).__name__
speak.write(json.dumps([told, sys.stdin.read(), listen.read().decode()]).encode())
"""


def tried(body: str, folder: Path) -> list[str]:
    program = TRY.format(root=str(ROOT), body=body.format(folder=folder))
    ran = subprocess.run([sys.executable, "-I", "-B", "-c", program], input=b"asked", capture_output=True, check=True)
    assert ran.stderr == b"a library prints\n"
    told: list[str] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize(
    "body",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('example.org', 443)",
        "socket.gethostbyname('example.org')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "socket.socket(socket.AF_UNIX).connect('/none')",
        "socket.socket().bind(('127.0.0.1', 0))",
        "urllib.request.urlopen('http://127.0.0.1:9/')",
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.execv('/bin/true', ['true'])",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {{}})",
    ],
)
def test_no_door_is_left_open(body: str, tmp_path: Path) -> None:
    assert tried(body, tmp_path)[0] in {"Refused", "URLError"}


def test_no_file_can_be_written(tmp_path: Path) -> None:
    assert tried("open('{folder}/kept', 'w').write('text' * 9999)", tmp_path)[0] == "OSError"
    assert (tmp_path / "kept").read_text() == ""


def test_memory_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        tried("bytearray(4 * 1024 ** 3)", tmp_path)


def test_the_pipes_are_nobodys_stdin_and_stdout(tmp_path: Path) -> None:
    assert tried("pass", tmp_path) == ["done", "", "asked"]
