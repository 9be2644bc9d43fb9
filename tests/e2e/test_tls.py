"""A listener with a certificate, as its configuration says, and a new certificate while it serves."""

import datetime as dt
import json
import ssl
import urllib.request
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.site import eventually, serving

CONFIG = """\
listen:
  api: {port: 0, tls: {cert: cert.pem, key: key.pem}}
  admin: {port: 0}
default_price: 0
"""


def write_certificate(folder: Path, name: str) -> bytes:
    """A self-signed certificate for 127.0.0.1 into `folder`; its PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.new").write_bytes(private)
    (folder / "key.new").chmod(0o600)
    (folder / "cert.new").write_bytes(pem)
    (folder / "key.new").rename(folder / "key.pem")
    (folder / "cert.new").rename(folder / "cert.pem")
    return pem


def trusting(pem: bytes) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=pem.decode())


def healthy(url: str, trust: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", context=trust, timeout=10) as answer:
            return bool(json.loads(answer.read()) == {"status": "ok"})
    except OSError:
        return False


def test_a_listener_serves_https_and_takes_a_new_certificate(tmp_path: Path) -> None:
    first = trusting(write_certificate(tmp_path, "first"))

    with serving(tmp_path, CONFIG) as site:
        url = site.url.replace("127.0.0.1", "localhost")
        assert url.startswith("https://")
        assert healthy(url, first)

        second = trusting(write_certificate(tmp_path, "second"))

        eventually(lambda: healthy(url, second), seconds=30)
        assert not healthy(url, first)
