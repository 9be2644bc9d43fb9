"""TLS of a listener: 1.3, or 1.2 with forward secrecy and AEAD; and a certificate that may change while we serve."""

import asyncio
import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509

from appliance.domain.errors import ConfigError

log = logging.getLogger(__name__)

_TLS12 = "ECDHE+AESGCM:ECDHE+CHACHA20"  # RFC 9325 §4.2
_Stamp = tuple[tuple[int, int, int], ...]


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """PEM files. With `client_ca`, only clients with a certificate of that authority are spoken to."""

    cert: Path
    key: Path
    client_ca: Path | None = None


def context(files: TlsFiles) -> ssl.SSLContext:
    """Raises ConfigError naming the file that is missing, unreadable or does not fit."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(_TLS12)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    made.set_alpn_protocols(["http/1.1"])
    try:
        # A password is given so that an encrypted key fails at once instead of asking on the terminal.
        made.load_cert_chain(files.cert, files.key, password="")
    except (OSError, ValueError) as problem:
        raise ConfigError(
            f"certificate `{files.cert}` and key `{files.key}` cannot be used together ({_reason(problem)}); "
            "both must be PEM, readable, without a passphrase, and belong to each other"
        ) from problem
    if files.client_ca is not None:
        try:
            made.load_verify_locations(files.client_ca)
        except (OSError, ValueError) as problem:
            raise ConfigError(
                f"client authorities `{files.client_ca}` cannot be read ({_reason(problem)})"
            ) from problem
        made.verify_mode = ssl.CERT_REQUIRED
    return made


class Certificate:
    """The certificate in force. New connections get what `context()` returns; old ones keep theirs to their end."""

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        self._stamp = _stamp(files)
        self._context = context(files)
        _tell(files)

    def context(self) -> ssl.SSLContext:
        return self._context

    def reload(self) -> bool:
        """Take what the files hold now. A broken certificate changes nothing, and is said; False then."""
        self._stamp = _stamp(self.files)
        try:
            self._context = context(self.files)
        except ConfigError as problem:
            log.error("the certificate in force stays: %s", problem.message)  # noqa: TRY400 - the sentence is enough
            return False
        _tell(self.files)
        return True

    def reload_if_changed(self) -> None:
        """Both files may not change in one instant: between the two, the pair does not fit and the old one stays."""
        if _stamp(self.files) != self._stamp:
            self.reload()

    async def watch(self, every: float) -> None:
        """Look at the files every so many seconds, for ever."""
        while True:
            await asyncio.sleep(every)
            self.reload_if_changed()


def _stamp(files: TlsFiles) -> _Stamp:
    paths = [files.cert, files.key, *([files.client_ca] if files.client_ca else [])]
    return tuple(_stamp_of(path) for path in paths)


def _stamp_of(path: Path) -> tuple[int, int, int]:
    try:
        seen = path.stat()
    except OSError:
        return (0, 0, 0)
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)


def _reason(problem: OSError | ValueError) -> str:
    if isinstance(problem, ssl.SSLError):
        return (problem.reason or "not PEM").lower().replace("_", " ")
    return problem.strerror or "unreadable" if isinstance(problem, OSError) else "a passphrase is needed"


def _tell(files: TlsFiles) -> None:
    until = valid_until(files.cert)
    if until <= datetime.now(UTC):
        log.warning("certificate `%s` is in force, but has expired on %s", files.cert, until.date())
    else:
        log.info("certificate `%s` is in force, valid until %s", files.cert, until.date())


def valid_until(cert: Path) -> datetime:
    """UTC, of the first certificate in the file."""
    return x509.load_pem_x509_certificate(cert.read_bytes()).not_valid_after_utc
