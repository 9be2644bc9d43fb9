import contextlib
import datetime as dt
import ipaddress
import logging
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.domain.errors import ConfigError
from appliance.http.server.bounds import Bounds
from appliance.http.server.tls import Certificate, TlsFiles, context, valid_until
from tests.appliance.http.server.harness import PATIENCE, Echo, Served, read_all, read_answer, serving

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def issue(folder: Path, name: str, *, days: int = 30, passphrase: bytes | None = None) -> TlsFiles:
    """A self-signed certificate, good as its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    cert = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=60))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    seal: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        seal = serialization.BestAvailableEncryption(passphrase)
    files = TlsFiles(cert=folder / f"{name}.pem", key=folder / f"{name}.key")
    files.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, seal))
    return files


def replace(files: TlsFiles, by: TlsFiles) -> None:
    shutil.copyfile(by.cert, files.cert)
    shutil.copyfile(by.key, files.key)


@contextlib.contextmanager
def greeting(served: Served, trust: Path, mine: TlsFiles | None = None) -> Iterator[ssl.SSLSocket]:
    client = ssl.create_default_context(cafile=str(trust))
    if mine is not None:
        client.load_cert_chain(mine.cert, mine.key)
    with served.connect() as plain, client.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
        yield sock


def served_name(sock: ssl.SSLSocket) -> str:
    der = sock.getpeercert(binary_form=True)
    assert der is not None
    common = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    return common if isinstance(common, str) else common.decode()


def test_requests_are_answered_over_tls_1_3(tmp_path: Path) -> None:
    files = issue(tmp_path, "one")

    with serving(Echo(), certificate=Certificate(files)) as served, greeting(served, files.cert) as sock:
        sock.sendall(GET)

        assert read_answer(sock).endswith(b"GET /x 0")
        assert sock.version() == "TLSv1.3"


def test_tls_1_2_is_spoken_with_forward_secrecy_and_aead_alone(tmp_path: Path) -> None:
    offered = {cipher["name"] for cipher in context(issue(tmp_path, "one")).get_ciphers()}

    assert offered
    for name in offered:
        assert name.startswith(("TLS_", "ECDHE-")), name
        assert "GCM" in name or "POLY1305" in name, name


def test_tls_1_1_is_refused(tmp_path: Path) -> None:
    assert context(issue(tmp_path, "one")).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_new_certificate_is_used_for_new_connections_and_drops_no_old_one(tmp_path: Path) -> None:
    files = issue(tmp_path, "one")
    new = issue(tmp_path, "two")
    first = tmp_path / "first.pem"
    shutil.copyfile(files.cert, first)
    certificate = Certificate(files)

    with serving(Echo(), certificate=certificate) as served, greeting(served, first) as old:
        old.sendall(GET)
        read_answer(old)
        replace(files, new)
        certificate.reload_if_changed()

        with greeting(served, new.cert) as sock:
            assert served_name(sock) == "two"
        old.sendall(GET)
        assert read_answer(old).endswith(b"GET /x 0")
        assert served_name(old) == "one"


@pytest.mark.parametrize("fault", ["noise", "key of another", "missing", "passphrase"])
def test_a_broken_certificate_keeps_the_old_one_and_says_so(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    files = issue(tmp_path, "one")
    certificate = Certificate(files)
    before = certificate.context()
    match fault:
        case "noise":
            files.cert.write_text("noise")
        case "key of another":
            shutil.copyfile(issue(tmp_path, "two").key, files.key)
        case "missing":
            files.key.unlink()
        case _:
            replace(files, issue(tmp_path, "sealed", passphrase=b"secret"))

    assert certificate.reload() is False

    assert certificate.context() is before
    assert "the certificate in force stays" in caplog.text


def test_a_pair_that_is_replaced_one_file_after_the_other_is_taken_in_the_end(tmp_path: Path) -> None:
    files = issue(tmp_path, "one")
    new = issue(tmp_path, "two")
    certificate = Certificate(files)
    before = certificate.context()

    shutil.copyfile(new.cert, files.cert)
    certificate.reload_if_changed()
    assert certificate.context() is before
    shutil.copyfile(new.key, files.key)
    certificate.reload_if_changed()

    assert certificate.context() is not before


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    certificate = Certificate(issue(tmp_path, "one"))
    before = certificate.context()

    certificate.reload_if_changed()

    assert certificate.context() is before


def test_a_first_certificate_that_is_broken_is_an_error_naming_it(tmp_path: Path) -> None:
    files = TlsFiles(cert=tmp_path / "none.pem", key=tmp_path / "none.key")

    with pytest.raises(ConfigError, match=r"none\.pem"):
        Certificate(files)


def test_an_expired_certificate_is_served_and_complained_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = issue(tmp_path, "old", days=-1)

    with caplog.at_level(logging.WARNING):
        Certificate(files)

    assert "has expired" in caplog.text
    assert valid_until(files.cert) == NOW - dt.timedelta(days=1)


def test_a_client_without_a_certificate_is_not_spoken_to_when_one_is_asked_for(tmp_path: Path) -> None:
    ours, theirs = issue(tmp_path, "ours"), issue(tmp_path, "theirs")
    files = TlsFiles(cert=ours.cert, key=ours.key, client_ca=theirs.cert)
    echo = Echo()

    with serving(echo, certificate=Certificate(files)) as served:
        with greeting(served, ours.cert, theirs) as sock:
            sock.sendall(GET)
            assert read_answer(sock).endswith(b"GET /x 0")
        answer = b""
        with contextlib.suppress(ssl.SSLError, ConnectionError), greeting(served, ours.cert) as sock:
            sock.sendall(GET)  # in TLS 1.3 a client learns only afterwards that it was refused
            answer = sock.recv(1)

    assert answer == b""
    assert len(echo.paths) == 1


def test_a_handshake_that_never_comes_is_given_up_and_its_seat_freed(tmp_path: Path) -> None:
    files = issue(tmp_path, "one")
    bounds = Bounds(header_seconds=1.0, connections=1)  # long enough for the handshake that does come

    with serving(Echo(), bounds, certificate=Certificate(files)) as served:
        with served.connect() as silent:
            assert read_all(silent) == b""
        assert served.refusal.wait(PATIENCE)
        assert served.refused["tls_handshake"] == 1
        with greeting(served, files.cert) as sock:
            sock.sendall(GET)
            assert read_answer(sock).endswith(b"GET /x 0")


def test_plain_http_on_the_tls_port_is_not_answered(tmp_path: Path) -> None:
    with serving(Echo(), certificate=Certificate(issue(tmp_path, "one"))) as served, served.connect() as sock:
        sock.sendall(GET)

        assert b"200" not in read_all(sock)


def test_a_refusal_is_readable_over_tls(tmp_path: Path) -> None:
    files = issue(tmp_path, "one")
    with serving(Echo(), certificate=Certificate(files)) as served, greeting(served, files.cert) as sock:
        sock.sendall(b"nonsense\r\n\r\n")

        assert read_all(sock).startswith(b"HTTP/1.1 400 ")
