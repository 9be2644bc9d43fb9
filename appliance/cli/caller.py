"""Calling a gateway of this machine, as verbs do: never anywhere else, and through no proxy."""

import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- what listens everywhere is called by loopback
NAME = "localhost"  # every listener answers to it
LARGEST = 4 * 1024 * 1024  # bytes of an answer


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes


def connection_to(base: str, seconds: float, trust: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    """A connection to the base url of a listener; not opened yet. `trust` for one that serves https."""
    parts = urlsplit(base)
    host = ANYWHERE.get(parts.hostname or "", parts.hostname or "")
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=trust)
    return http.client.HTTPConnection(host, parts.port, timeout=seconds)


def get(base: str, path: str, seconds: float, *, key: str | None = None, trust: ssl.SSLContext | None = None) -> Reply:
    """Raises OSError and http.client.HTTPException."""
    connection = connection_to(base, seconds, trust)
    headers = {"host": NAME, "connection": "close", **({"authorization": f"Bearer {key}"} if key else {})}
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(LARGEST))
    finally:
        connection.close()


def trusting(certificate: Path, client: Path | None = None) -> ssl.SSLContext:
    """Believes the very certificate a listener was given, whoever signed it and whatever it is named.

    `client` holds a certificate and its key for a listener that asks for one. Raises OSError (ssl.SSLError is one).
    """
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if client is not None:
        context.load_cert_chain(client)
    return context
