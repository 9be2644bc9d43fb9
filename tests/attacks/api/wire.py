"""Requests as they stand on the wire: nothing of them is corrected on the way."""

import socket
from collections.abc import Mapping
from http.client import HTTPResponse
from urllib.parse import urlsplit

import msgspec

PATIENCE = 30.0


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One answer."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    text: str

    @property
    def code(self) -> str | None:
        """Of the error object, where there is one."""
        try:
            told = msgspec.json.decode(self.text)
        except msgspec.DecodeError:
            return None
        error = told.get("error") if isinstance(told, dict) else None
        return str(error["code"]) if isinstance(error, dict) else None

    @property
    def whole(self) -> str:
        """Everything a client sees."""
        return "\n".join([*(f"{name}: {value}" for name, value in self.headers.items()), self.text])


def send(
    base: str,
    method: str,
    target: str | bytes,
    headers: Mapping[str, str | bytes] | None = None,
    body: bytes | None = None,
) -> Said:
    """One request on a connection of its own. `Host` is the true one unless `headers` says another."""
    to = urlsplit(base)
    told: dict[str, str | bytes] = {"host": to.netloc, "connection": "close", **(headers or {})}
    if body is not None:
        told = {"content-type": "application/json", "content-length": str(len(body)), **told}
    lines = [method.encode() + b" " + _bytes(target) + b" HTTP/1.1"]
    lines += [name.encode() + b": " + _bytes(value) for name, value in told.items()]
    with socket.create_connection((to.hostname or "", to.port or 0), timeout=PATIENCE) as connection:
        connection.sendall(b"\r\n".join([*lines, b"", body or b""]))
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        text = answer.read().decode("utf-8", "replace")
        return Said(
            status=answer.status, headers={name.lower(): value for name, value in answer.getheaders()}, text=text
        )


def bearer(key: str | bytes) -> dict[str, str | bytes]:
    return {"authorization": b"Bearer " + _bytes(key)}


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
