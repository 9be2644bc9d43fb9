"""Opening a connection: look up, check, dial what was checked, TLS with the name that was asked for."""

import asyncio

import httpx

from appliance.egress.guard import Guard
from appliance.egress.tls import TlsContexts
from appliance.egress.url import Origin
from appliance.egress.wire import Connection

FAREWELL = 1.0  # seconds a peer may take over its TLS close_notify before the descriptor goes


class Dialler:
    """The only place that dials."""

    def __init__(self, guard: Guard, tls: TlsContexts) -> None:
        self._guard = guard
        self._tls = tls

    async def dial(self, origin: Origin, ca_file: str | None, timeout: float | None) -> Connection:
        """A fresh connection. `timeout` seconds cover look-up, every address tried, and the TLS handshake.

        Raises httpx.ConnectError, caused by EgressRefused when the guard said no, or httpx.ConnectTimeout.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._dial(origin, ca_file, timeout)
        except TimeoutError as error:
            # The kernel's own ETIMEDOUT is a TimeoutError too, and means the same.
            raise httpx.ConnectTimeout(f"no connection to `{origin}` in time") from error
        except OSError as error:
            raise httpx.ConnectError(f"cannot connect to `{origin}`: {_reason(error)}") from error

    async def _dial(self, origin: Origin, ca_file: str | None, timeout: float | None) -> Connection:
        addresses = await self._guard.addresses(origin.host, origin.port)
        share = None if timeout is None else timeout / len(addresses)
        last: OSError = OSError("no address")
        for address in addresses:
            try:
                async with asyncio.timeout(share):
                    return await self._connect(address, origin, ca_file)
            except OSError as error:  # TimeoutError among them: the next address may answer
                last = error
        raise last

    async def _connect(self, address: str, origin: Origin, ca_file: str | None) -> Connection:
        loop = asyncio.get_running_loop()
        connection = Connection(loop, origin)
        try:
            if origin.scheme == "https":
                await loop.create_connection(
                    lambda: connection,
                    address,
                    origin.port,
                    ssl=self._tls.context(ca_file),
                    server_hostname=origin.host.removesuffix("."),
                    ssl_shutdown_timeout=FAREWELL,
                )
            else:
                await loop.create_connection(lambda: connection, address, origin.port)
        except BaseException:
            connection.abort()
            raise
        return connection


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
