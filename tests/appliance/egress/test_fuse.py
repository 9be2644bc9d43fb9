"""The fuse in processes of their own: an audit hook cannot be taken out again."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from appliance.egress.fuse import Fuse
from appliance.egress.guard import AllowList, EgressRefused
from appliance.egress.refusals import Refusal, Refusals

ROOT = Path(__file__).parents[3]
FRAME = """
import asyncio, ctypes, json, os, signal, socket, ssl, subprocess, sys, threading
from appliance.egress.fuse import install
from appliance.egress.guard import AllowList, EgressRefused, Guard
told = []
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
programs = frozenset({{("/bin/echo", "hello")}})
fuse = install(AllowList(["127.0.0.0/16", "localhost", "printer.example"]), told.append, programs=programs)
loop_of = fuse.loop_factory
{body}
print(json.dumps({{"told": [[r.layer, r.what, r.to] for r in told], "out": out}}))
"""


def run(body: str) -> dict[str, list[object]]:
    """Runs `body` behind the fuse; it leaves its findings in `out`."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FRAME.format(body=textwrap.dedent(body))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


def tried(*attempts: str, prelude: str = "") -> dict[str, list[object]]:
    """Runs each attempt (plain code) and tells how it ended."""
    return run(
        f"""
{textwrap.indent(textwrap.dedent(prelude), " " * 8)}
        out = []
        for code in {list(attempts)!r}:
            try:
                exec(code)
                out.append("done")
            except EgressRefused:
                out.append("refused")
            except OSError as error:
                out.append(type(error).__name__)
        """
    )


def awaited(*attempts: str) -> dict[str, list[object]]:
    """Evaluates each attempt and awaits it on the guarded loop; `loop` and a connected-to-nobody `sock` are there."""
    return run(
        f"""
        async def main():
            out = []
            for code in {list(attempts)!r}:
                loop = asyncio.get_running_loop()
                sock = socket.socket()
                sock.setblocking(False)
                try:
                    got = await eval(code)
                    if isinstance(got, tuple) and hasattr(got[0], "close"):
                        got[0].close()
                    out.append("done")
                except EgressRefused:
                    out.append("refused")
                except OSError as error:
                    out.append(type(error).__name__)
                finally:
                    sock.close()
            return out

        with asyncio.Runner(loop_factory=loop_of) as runner:
            out = runner.run(main())
        """
    )


def test_plain_sockets_reach_what_is_listed_and_nothing_else() -> None:
    found = tried(
        "socket.create_connection(('127.0.0.1', port)).close()",
        "socket.create_connection(('localhost', port)).close()",
        "socket.create_connection(('127.1.0.1', port))",
        "socket.create_connection(('10.0.0.1', 80), timeout=1)",
        "socket.create_connection(('gpu.example', 80))",
        "s = socket.socket(); s.connect(('localhost', port))",
        "s = socket.socket(); s.connect_ex(('10.0.0.1', 80))",
        "s = socket.socket(socket.AF_INET6); s.connect(('::1', port))",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', 9))",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('8.8.8.8', 53))",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendmsg([b'x'], [], 0, ('8.8.8.8', 53))",
        "s = socket.socket(socket.AF_UNIX); s.connect('/run/docker.sock')",
        "s = socket.socket(socket.AF_UNIX); s.connect(b'\\0abstract')",
        prelude="import warnings; warnings.simplefilter('ignore', ResourceWarning)",
    )

    assert found["out"] == ["done", "done", *["refused"] * 6, "done", *["refused"] * 4]
    assert ["audit", "connect", "10.0.0.1:80"] in found["told"]


def test_only_listed_names_are_looked_up() -> None:
    found = tried(
        "socket.getaddrinfo('localhost', 80)",
        "socket.getaddrinfo('127.0.0.1', 80)",
        "socket.getaddrinfo('203.0.113.9', 80)",
        "socket.getaddrinfo(None, 80, flags=socket.AI_PASSIVE)",
        "socket.getaddrinfo('secret-in-a-label.example', 80)",
        "socket.getaddrinfo(b'secret-in-a-label.example', 80)",
        "socket.gethostbyname('secret.example')",
        "socket.gethostbyname_ex('secret.example')",
        "socket.gethostbyaddr('127.0.0.1')",
        "socket.getnameinfo(('127.0.0.1', 80), 0)",
    )

    assert found["out"] == ["done"] * 4 + ["refused"] * 6


def test_no_program_is_started() -> None:
    found = tried(
        "subprocess.run(['true'])",
        "subprocess.Popen('true', shell=True)",
        "os.system('true')",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.posix_spawnp('true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "os.popen('true')",
    )

    assert found["out"] == ["refused"] * 7
    assert {tuple(row[:2]) for row in found["told"] if isinstance(row, list)} == {("audit", "subprocess")}


def test_a_listed_program_is_started_with_its_whole_command_line_and_no_other() -> None:
    found = tried(
        "subprocess.run(['/bin/echo', 'hello'], stdout=subprocess.DEVNULL)",
        "subprocess.run(['/bin/echo'])",
        "subprocess.run(['/bin/echo', 'hello', 'you'])",
        "subprocess.run(['/bin/echo', 'hello'], executable='/bin/sh')",
        "subprocess.run('/bin/echo hello', shell=True)",
        "os.execv('/bin/echo', ['/bin/echo', 'hello'])",
        "os.posix_spawn('/bin/echo', ['/bin/echo', 'hello'], {})",
    )

    assert found["out"] == ["done"] + ["refused"] * 6


def test_a_thread_is_watched_like_any_other() -> None:
    found = run(
        """
        out = []
        def work():
            try:
                socket.create_connection(("10.0.0.1", 80), timeout=1)
            except EgressRefused:
                out.append("refused")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """
    )

    assert found["out"] == ["refused"]


def test_the_loop_connects_to_what_is_listed_and_nothing_else() -> None:
    found = awaited(
        "loop.create_connection(asyncio.Protocol, '127.0.0.1', port)",
        "loop.create_connection(asyncio.Protocol, 'localhost', port)",
        "loop.create_connection(protocol_factory=asyncio.Protocol, host='127.0.0.1', port=port)",
        "loop.create_connection(asyncio.Protocol, '10.0.0.1', 80)",
        "loop.create_connection(asyncio.Protocol, host='gpu.example', port=80)",
        "loop.create_connection(asyncio.Protocol, '2130706433', port)",
        "loop.create_connection(asyncio.Protocol, '::ffff:10.0.0.1', port)",
        "asyncio.open_connection('10.0.0.1', 80)",
        "loop.sock_connect(sock, ('127.0.0.1', port))",
        "loop.sock_connect(sock, ('localhost', port))",
        "loop.sock_connect(sock, ('10.0.0.1', 80))",
        "loop.sock_connect(sock, ('gpu.example', 80))",
        "loop.create_unix_connection(asyncio.Protocol, '/run/docker.sock')",
        "loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=('127.0.0.1', 9))",
        "loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=('8.8.8.8', 53))",
        "loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=('127.0.0.1', 0))",
        "loop.create_datagram_endpoint(asyncio.DatagramProtocol, family=socket.AF_INET)",
    )

    refused = "refused"
    assert found["out"] == [
        *["done"] * 3,
        *[refused] * 5,
        *["done"] * 2,
        *[refused] * 3,
        "done",
        *[refused] * 3,
    ]
    assert ["loop", "connect", "10.0.0.1:80"] in found["told"]


def test_the_loop_looks_up_and_starts_nothing_either() -> None:
    found = awaited(
        "loop.getaddrinfo('localhost', 80)",
        "loop.getaddrinfo('127.0.0.1', 80)",
        "loop.getaddrinfo('secret.example', 80)",
        "loop.getnameinfo(('127.0.0.1', 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)",
        "loop.getnameinfo(('127.0.0.1', 80))",
        "asyncio.create_subprocess_exec('true')",
        "asyncio.create_subprocess_shell('true')",
        "asyncio.to_thread(subprocess.run, ['true'])",
    )

    assert found["out"] == ["done", "done", "refused", "done", *["refused"] * 4]


def test_serving_and_the_dial_guard_go_on_behind_the_fuse() -> None:
    found = run(
        """
        import httpx
        from appliance.egress.transport import PooledTransport

        async def answer(reader, writer):
            await reader.readuntil(b"\\r\\n\\r\\n")
            writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nhi")
            await reader.read(1)
            writer.close()

        async def main():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, lambda: None)
            out = []
            async with await asyncio.start_server(answer, "localhost", 0) as server:
                at = server.sockets[0].getsockname()[1]
                wire = PooledTransport(Guard(AllowList()))
                for host in ("127.0.0.1", "localhost"):
                    async with httpx.AsyncClient(transport=wire, trust_env=False) as client:
                        out.append((await client.get(f"http://{host}:{at}/")).text)
                await wire.aclose()
            return out

        with asyncio.Runner(loop_factory=loop_of) as runner:
            out = runner.run(main())
        """
    )

    assert found["out"] == ["hi", "hi"]
    assert found["told"] == []


def test_a_name_that_turns_to_a_forbidden_address_is_refused_by_the_loop() -> None:
    found = run(
        """
        from appliance.egress.fuse import Fuse
        answers = [["127.0.0.1"], ["169.254.169.254"]]

        async def resolve(host, at):
            return answers.pop(0)

        fuse.guard = Guard(fuse.allow, resolve=resolve, layer="loop")

        async def main():
            out = []
            for _ in range(2):
                try:
                    _, writer = await asyncio.open_connection("printer.example", port)
                    writer.close()
                    out.append("done")
                except EgressRefused:
                    out.append("refused")
            return out

        with asyncio.Runner(loop_factory=loop_of) as runner:
            out = runner.run(main())
        """
    )

    assert found["out"] == ["done", "refused"]


def test_native_libraries_are_counted() -> None:
    found = run("ctypes.CDLL(None)\nout = [fuse.loaded]")

    assert found["out"] == [1]


def test_a_listed_socket_file_may_be_connected_to() -> None:
    fuse = Fuse(AllowList(), lambda _: None, unix=frozenset({"/run/systemd/notify"}))

    fuse.peer("audit", "connect", "/run/systemd/notify")
    with pytest.raises(EgressRefused):
        fuse.peer("audit", "connect", "/run/docker.sock")


def test_the_same_refusal_is_told_once_a_minute_with_its_count() -> None:
    told: list[Refusal] = []
    now = [0.0]
    refusals = Refusals(told.append, clock=lambda: now[0])
    one = Refusal(layer="dial", what="connect", to="10.0.0.1:80", why="no")

    for _ in range(5):
        refusals.note(one)
    now[0] = 61.0
    refusals.note(one)

    assert [refusal.times for refusal in told] == [1, 5]
    assert refusals.counts() == {("dial", "connect"): 6}


def test_a_flood_of_different_refusals_does_not_grow_without_bound() -> None:
    told: list[Refusal] = []
    refusals = Refusals(told.append, clock=lambda: 0.0)

    for number in range(10_000):
        refusals.note(Refusal(layer="dial", what="connect", to=str(number), why="no"))

    assert len(told) == Refusals.KINDS + 1
    assert refusals.counts() == {("dial", "connect"): 10_000}
