"""Runs as root under `unshare --net --mount`: serves from the image's own files, held as a runtime would hold them.

    python inside.py ROOT DATA

Read-only root, its own user, loopback alone, no capability to gain, no page both writable and executable.
"""

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path

PYTHON = ("/opt/redoubt/serve/bin/python", "-I", "-B")
SITE = "/var/lib/redoubt/site"
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 24, 38, 65
USER = 65532
POLICY = "\nprivacy: {policy: pci, workers: 1, spares: 0}\n"
CARD = "4111 1111 1111 1111"
ASK = """
import ctypes, json, os, time, urllib.request
told = {"user": [os.getuid(), os.getgid(), *os.getgroups()], "refused": {}}
told["mdwe"] = ctypes.CDLL(None).prctl(66, 0, 0, 0, 0)
for _ in range(600):  # not ready before a worker is
    try:
        told["readyz"] = urllib.request.urlopen("http://127.0.0.1:4000/readyz", timeout=3).status
        break
    except OSError:
        time.sleep(0.1)
for where in ("/opt/redoubt/planted.pth", "/usr/lib/python3.11/planted.py", "/etc/planted"):
    try:
        open(where, "w")
    except OSError as refused:
        told["refused"][where] = refused.strerror
print(json.dumps(told))
"""


def _enter(root: str) -> None:
    """In the child, before it becomes the program: what systemd and container runtimes do."""
    prctl = ctypes.CDLL(None).prctl
    os.chroot(root)
    os.chdir("/var/lib/redoubt")
    os.umask(0o077)
    for capability in range(64):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    prctl(PR_SET_MDWE, 1, 0, 0, 0)  # Linux 6.3; the test reads back whether it took
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


def _children(pid: int) -> list[str]:
    """Whichever thread started them."""
    return [child for told in Path(f"/proc/{pid}/task").glob("*/children") for child in told.read_text().split()]


def _worker(pid: str) -> dict[str, object]:
    told = Path(f"/proc/{pid}/status").read_text().splitlines()
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    user = next(line.split()[1] for line in told if line.startswith("Uid:"))
    return {"words": words[:-1], "user": user, "oom": int(Path(f"/proc/{pid}/oom_score_adj").read_text())}


def main(root: str, data: str) -> None:
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
    for words in (
        ("--bind", root, root),
        ("-o", "remount,bind,ro", root),
        ("--bind", data, f"{root}/var/lib/redoubt"),
        ("-t", "tmpfs", "-o", "nosuid,nodev,noexec", "tmpfs", f"{root}/tmp"),
        ("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", f"{root}/proc"),
    ):
        subprocess.run(["mount", *words], check=True)
    held, redoubt = list(PYTHON), [*PYTHON, "-m", "appliance.cli"]
    environment = {"REDOUBT_CONFIG": f"{SITE}/redoubt.yaml"}
    enter = partial(_enter, root)

    def run(*command: str) -> str:
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=enter, env=environment)
        return ran.stdout

    run(*redoubt, "init", SITE)
    with (Path(data) / "site/redoubt.yaml").open("a") as settings:
        settings.write(POLICY)
    with (Path(data) / "log").open("wb") as log:
        gateway = subprocess.Popen(
            [*redoubt, "serve"],
            stdout=subprocess.DEVNULL,
            stderr=log,
            preexec_fn=enter,  # noqa: PLW1509 -- one thread
            env=environment,
        )
        try:
            told = json.loads(run(*held, "-c", ASK))
            told["layers"] = json.loads(run(*redoubt, "egress", "manifest", "--json"))["layers"]
            told["found"] = json.loads(run(*redoubt, "pii", "test", "--text", f"pay with {CARD}", "--json"))
            status = Path(f"/proc/{gateway.pid}/status").read_text()
            told["workers"] = [_worker(pid) for pid in _children(gateway.pid)]
        finally:
            gateway.terminate()
            gateway.wait(60)
    told["stopped"] = gateway.returncode
    told["held"] = dict(line.split(":\t", 1) for line in status.splitlines() if line.startswith(("Cap", "NoNew")))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
