"""Listening sockets, bound before anything else is built, so that a taken port is the first thing an operator reads."""

import errno
import ipaddress
import socket

from appliance.domain.errors import ConfigError

BACKLOG = 1024


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on an address (`localhost` means 127.0.0.1; other names are not looked up); port 0: any.

    Raises ConfigError that says what to do about it.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        raise ConfigError(f"`{host}` is not an IP address; listen on one of this machine's addresses") from None
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for TIME_WAIT
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # `::` does not silently mean 0.0.0.0 too
        sock.bind((str(address), port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as problem:
        sock.close()
        raise ConfigError(_why(problem, host, port)) from problem
    return sock


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def _why(problem: OSError, host: str, port: int) -> str:
    match problem.errno:
        case errno.EADDRINUSE:
            return (
                f"port {port} on {host} is taken by another program; stop it (`ss -ltnp` names it) "
                "or set another `port` under `listen`"
            )
        case errno.EACCES:
            return f"port {port} on {host} may not be used by this user; set a `port` above 1023 under `listen`"
        case errno.EADDRNOTAVAIL:
            return (
                f"this machine has no address {host}; set `host` under `listen` to one it has (`ip address` lists them)"
            )
        case _:
            return f"cannot listen on {host} port {port}: {problem.strerror or problem}"
