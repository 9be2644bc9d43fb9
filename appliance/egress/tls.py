"""TLS settings of outgoing connections. Verification is never off; a site's own CA is named by file."""

import ssl
import stat
from pathlib import Path


class TlsContexts:
    """One context for each CA file, made again when the file changes."""

    def __init__(self) -> None:
        self._made: dict[str | None, tuple[tuple[int, int] | None, ssl.SSLContext]] = {}

    def context(self, ca_file: str | None) -> ssl.SSLContext:
        """Trusts `ca_file` alone, or the machine's own store when None. Raises OSError naming the file."""
        stamp = None
        if ca_file is not None:
            try:
                status = Path(ca_file).stat()
            except OSError as error:
                raise OSError(f"cannot read the CA file `{ca_file}`: {error.strerror}") from error
            except ValueError as error:
                raise OSError("the CA file has a path that no file can have") from error
            if not stat.S_ISREG(status.st_mode):  # reading a pipe would hold the whole event loop
                raise OSError(f"the CA file `{ca_file}` is not a regular file")
            stamp = (status.st_mtime_ns, status.st_ino)
        known = self._made.get(ca_file)
        if known is None or known[0] != stamp:
            known = self._made[ca_file] = (stamp, _context(ca_file))
        return known[1]


def _context(ca_file: str | None) -> ssl.SSLContext:
    # Not ssl.create_default_context(): it writes session keys to the file that SSLKEYLOGFILE names.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the name and requires a certificate
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        try:
            context.load_verify_locations(cafile=ca_file)
        except ssl.SSLError as error:
            raise OSError(f"the CA file `{ca_file}` holds no usable certificate") from error
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a file may hold the site's intermediate alone
    return context
