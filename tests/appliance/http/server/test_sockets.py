import socket

import pytest

from appliance.domain.errors import ConfigError
from appliance.http.server.sockets import bind, port_of


def test_a_taken_port_is_said_with_what_to_do() -> None:
    with bind("127.0.0.1", 0) as first:
        port = port_of(first)

        with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 is taken by another program; stop it"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_said_so() -> None:
    with pytest.raises(ConfigError, match=r"this machine has no address 192\.0\.2\.1"):
        bind("192.0.2.1", 0)


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(ConfigError, match=r"`gateway\.example` is not an IP address"):
        bind("gateway.example", 0)


def test_localhost_is_the_v4_loopback() -> None:
    with bind("localhost", 0) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_v6_is_v6_alone(host: str) -> None:
    try:
        sock = bind(host, 0)
    except ConfigError as problem:
        pytest.skip(f"this machine has no IPv6 loopback: {problem.message}")
    with sock:
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
