"""Runs as root under `unshare --net --mount`: a far side behind a veth pair, our rules here, and who gets across.

python far.py RULES
"""

import json
import os
import pwd
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from installer.nftables import check
from installer.systemd import UnitError

NETWORKS = ("10.20.0.", "10.21.0.", "fd00:20::", "fd00:21::")
PORT = 8000
LISTEN = """
import socket, sys, threading
def serve(sock):
    while True:
        peer, _ = sock.accept()
        peer.sendall(b"here")
        peer.close()
listener = socket.create_server(("::", 8000), family=socket.AF_INET6, dualstack_ipv6=True)
threading.Thread(target=serve, args=(listener,), daemon=True).start()
print("listening", flush=True)
sys.stdin.read()
"""


def main(rules: Path) -> None:
    try:
        check(rules.read_text())
    except UnitError as error:
        sys.stdout.write(json.dumps({"error": str(error)}))
        return
    with ExitStack() as stack:
        far = _listening(stack, "unshare", "--net")
        _listening(stack)
        _wire(far)
        subprocess.run(["nft", "--file", rules], check=True)
        to = ["127.0.0.1", *(f"{network}2" for network in NETWORKS)]
        told: dict[str, object] = {who: _reach(who, to) for who in ("nobody", "root")}
        told["answered"] = _answered(far)
        listed = json.loads(_out("nft", "--json", "list", "counters"))["nftables"]
        told["counters"] = {one["counter"]["name"]: one["counter"]["packets"] for one in listed if "counter" in one}
    sys.stdout.write(json.dumps(told))


def _listening(stack: ExitStack, *before: str) -> int:
    command = [*before, sys.executable, "-c", LISTEN]
    child = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    stack.callback(child.stdin.close if child.stdin else child.kill)
    assert child.stdout is not None
    assert child.stdout.readline() == "listening\n"
    return child.pid


def _wire(far: int) -> None:
    inside = ("nsenter", "--net", "--target", str(far))
    _out("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(far))
    for last, name, enter in (("1", "near", ()), ("2", "far", inside)):
        for network in NETWORKS:
            how = ("nodad",) if ":" in network else ()
            _out(*enter, "ip", "address", "add", f"{network}{last}/{64 if how else 24}", "dev", name, *how)
        for link in (name, "lo"):
            _out(*enter, "ip", "link", "set", link, "up")


def _reach(who: str, addresses: list[str]) -> dict[str, str]:
    "x".encode("idna")  # loaded now: the user may not read where this Python lies
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        user = pwd.getpwnam(who)
        os.setgroups([])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        os.write(writing, json.dumps({address: _connect(address) for address in addresses}).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        found: dict[str, str] = json.load(told)
    os.waitpid(child, 0)
    return found


def _connect(address: str) -> str:
    try:
        with socket.create_connection((address, PORT), timeout=5) as peer:
            return "connected" if peer.recv(4) == b"here" else "silent"
    except TimeoutError:
        return "no answer"
    except OSError:
        return "refused"


def _answered(far: int) -> str:
    """A client beyond asks a server here that runs as the held user."""
    user = pwd.getpwnam("nobody")
    serve = (
        f"import os, socket, sys, threading; os.setgroups([]); os.setresgid({user.pw_gid},{user.pw_gid},{user.pw_gid});"
    )
    serve += f"os.setresuid({user.pw_uid},{user.pw_uid},{user.pw_uid});{LISTEN.replace('8000', '8001')}"
    ask = "import socket; print(socket.create_connection(('10.21.0.1', 8001), 5).recv(4).decode())"
    command = [sys.executable, "-c", serve]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        server.stdout.readline()
        got = _out("nsenter", "--net", "--target", str(far), sys.executable, "-c", ask)
        server.stdin.close()
    return "connected" if got.strip() == "here" else "refused"


def _out(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
