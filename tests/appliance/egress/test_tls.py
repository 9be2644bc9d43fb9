import asyncio
import datetime as dt
import ipaddress
import os
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.domain.upstream import FailureKind, Part, UpstreamError
from appliance.egress.client import EgressFetch, EgressUpstream
from appliance.egress.guard import AllowList, Guard
from appliance.egress.tls import TlsContexts
from tests.appliance.egress.peer import CEILING, OK, Talk, deployment, peer, settled, transport

HELLO = Part(path="/x", body=b"{}")


class Authority:
    """A CA that lives as long as a test."""

    def __init__(self, folder: Path, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.folder = folder
        certificate = self._sign(self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_name(host)])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        certificate = self._sign(subject, key.public_key(), names)
        file = self.folder / f"{host}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self.key, hashes.SHA256())
        )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


async def failed(url: str, ca_file: Path | None, guard: Guard | None = None) -> UpstreamError:
    async with transport(guard=guard) as wire:
        with pytest.raises(UpstreamError) as caught:
            await EgressUpstream(wire).open(deployment(url, ca_file=ca_file and str(ca_file)), HELLO)
    return caught.value


async def test_a_site_ca_is_trusted_and_the_connection_is_used_again(tmp_path: Path) -> None:
    site = Authority(tmp_path, "site")

    async with peer(lambda talk: talk.answer(OK, OK, OK), site.server("127.0.0.1")) as server, transport() as wire:
        to = server.deployment(ca_file=str(site.file))
        for _ in range(2):
            assert await (await EgressUpstream(wire).open(to, HELLO)).read(10) == b"hi"
        assert (await EgressFetch(wire).fetch(to, "/health")).body == b"hi"

    assert server.accepted == 1


@pytest.mark.parametrize("trusted", ["other", None])
async def test_a_certificate_of_another_ca_is_refused_before_any_byte_of_the_request(
    tmp_path: Path, trusted: str | None
) -> None:
    site = Authority(tmp_path, "site")
    heard: list[bytes] = []

    async def script(talk: Talk) -> None:
        heard.append(await talk.reader.read(1))

    async with peer(script, site.server("127.0.0.1")) as server:
        error = await failed(server.url, Authority(tmp_path, trusted).file if trusted else None)

    assert error.failure.kind is FailureKind.DEAD
    assert "certificate" in error.failure.message.lower()
    assert not any(heard)


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    site = Authority(tmp_path, "site")

    async with peer(lambda talk: talk.left(), site.server("127.0.0.9")) as server:
        error = await failed(server.url, site.file)

    assert error.failure.kind is FailureKind.DEAD


async def test_the_name_that_was_asked_for_is_sent_and_checked_although_its_address_is_dialled(tmp_path: Path) -> None:
    site = Authority(tmp_path, "site")
    context = site.server("gpu.site.example")
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    guard = Guard(AllowList(["127.0.0.0/8", "gpu.site.example"]), resolve=resolve)
    async with peer(lambda talk: talk.answer(OK), context) as server, transport(guard=guard) as wire:
        to = server.deployment(f"https://gpu.site.example:{server.port}", ca_file=str(site.file))
        assert await (await EgressUpstream(wire).open(to, HELLO)).read(10) == b"hi"

    assert asked == ["gpu.site.example"]


async def test_a_ca_file_that_changed_is_read_again(tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    used = tmp_path / "ca.pem"
    used.write_bytes(old.file.read_bytes())

    async with transport() as wire:
        for authority in (old, new):
            replacement = tmp_path / "next.pem"
            replacement.write_bytes(authority.file.read_bytes())
            replacement.rename(used)
            async with peer(lambda talk: talk.answer(OK), authority.server("127.0.0.1")) as server:
                to = server.deployment(ca_file=str(used))
                assert await (await EgressUpstream(wire).open(to, HELLO)).read(10) == b"hi"


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
async def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)

    error = await failed("https://127.0.0.1:1", file)

    assert error.failure.kind is FailureKind.DEAD
    assert str(file) in error.failure.message


async def test_a_ca_file_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    error = await failed("https://127.0.0.1:1", tmp_path / "pipe")

    assert error.failure.kind is FailureKind.DEAD
    assert "not a regular file" in error.failure.message


async def test_a_ca_file_whose_path_no_file_can_have_is_a_failure_like_any_other() -> None:
    error = await failed("https://127.0.0.1:1", Path("/a\0b"))

    assert error.failure.kind is FailureKind.DEAD


async def test_a_handshake_that_stalls_meets_the_connect_deadline() -> None:
    async with peer(lambda talk: talk.left()) as server, transport() as wire:
        request = httpx.Request("GET", f"https://127.0.0.1:{server.port}", extensions={"timeout": {"connect": 0.05}})
        with pytest.raises(httpx.ConnectTimeout):
            await wire.handle_async_request(request)
        async with asyncio.timeout(CEILING):
            await server.quiet.wait()

        assert wire.pool.open == 0


async def test_leaving_inside_a_handshake_closes_the_connection() -> None:
    async with peer(lambda talk: talk.left()) as server, transport() as wire:
        request = httpx.Request("GET", f"https://127.0.0.1:{server.port}")
        task = asyncio.create_task(wire.handle_async_request(request))
        await settled(lambda: server.accepted == 1)
        task.cancel()
        await asyncio.wait({task})
        async with asyncio.timeout(CEILING):
            await server.quiet.wait()

        assert wire.pool.open == 0


async def test_a_server_that_speaks_no_tls_is_dead() -> None:
    async def script(talk: Talk) -> None:
        await talk.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with peer(script) as server:
        error = await failed(f"https://127.0.0.1:{server.port}", None)

    assert error.failure.kind is FailureKind.DEAD


async def test_leaving_a_stream_over_tls_is_seen_by_the_server(tmp_path: Path) -> None:
    site = Authority(tmp_path, "site")

    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await talk.left()

    async with peer(script, site.server("127.0.0.1")) as server, transport() as wire:
        exchange = await EgressUpstream(wire).open(server.deployment(ca_file=str(site.file)), HELLO)
        assert await exchange.next() == b"hi"
        exchange.close()
        async with asyncio.timeout(CEILING):
            await server.quiet.wait()


def test_the_environment_can_ask_for_no_session_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))

    context = TlsContexts().context(None)

    assert not context.keylog_filename
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
