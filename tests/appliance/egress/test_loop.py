"""The guarded loop where no audit hook is needed to see it."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from appliance.egress.fuse import Fuse
from appliance.egress.guard import AllowList, EgressRefused, Guard
from appliance.egress.tls import TlsContexts
from tests.appliance.egress.peer import peer
from tests.appliance.egress.test_tls import Authority


def guarded(fuse: Fuse, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=fuse.loop_factory) as runner:
        runner.run(main())


def test_a_name_dialled_over_tls_is_still_the_name_that_is_checked(tmp_path: Path) -> None:
    site = Authority(tmp_path, "site")
    context = site.server("gpu.site.example")
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    fuse = Fuse(AllowList(["127.0.0.0/8", "gpu.site.example"]), lambda _: None)
    fuse.guard = Guard(fuse.allow, resolve=resolve)

    async def main() -> None:
        async with peer(lambda talk: talk.left(), context) as server:
            trust = TlsContexts().context(str(site.file))
            _, writer = await asyncio.open_connection("gpu.site.example", server.port, ssl=trust)
            writer.close()
            await writer.wait_closed()

    guarded(fuse, main)

    assert asked == ["gpu.site.example"]


def test_a_socket_connected_elsewhere_before_is_not_taken_over() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as sock:
            sock.connect(listener.getsockname())
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            with pytest.raises(EgressRefused):
                await loop.create_connection(asyncio.Protocol, sock=sock)
            with pytest.raises(EgressRefused):
                await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=sock)
            with pytest.raises(EgressRefused):
                await loop.create_unix_connection(asyncio.Protocol, sock=sock)

    guarded(Fuse(AllowList(["10.0.0.0/8"]), lambda _: None), main)


@pytest.mark.parametrize(
    "address",
    [
        ("fd00::1", 80, 0, 2),
        ("fe80::1%lo", 80, 0, 0),
        ("", 80),
        ("<broadcast>", 80),
        (1, 2),
        ("fd00::1",),
        None,
        b"\0abstract",
        "/run/docker.sock",
    ],
)
def test_a_destination_that_is_no_plain_listed_address_is_refused(address: object) -> None:
    fuse = Fuse(AllowList(["fd00::/8", "0.0.0.0/0"]), lambda _: None)

    fuse.peer("loop", "connect", ("fd00::1", 80, 0, 0))
    with pytest.raises(EgressRefused):
        fuse.peer("loop", "connect", address)
