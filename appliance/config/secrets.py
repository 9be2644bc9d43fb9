"""Where secrets come from: the only reader of the environment, of secret files and of the master key.

A secret is written in the configuration as a reference: `file:PATH` or `env:NAME`. Peppers lie in the store sealed
under the master key with AES-256-GCM-SIV (RFC 8452), bound to what they are for.
"""

import hmac
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from appliance.config.acl import mode_of
from appliance.domain.errors import ConfigError
from appliance.domain.secret import Secret

CONFIG_VARIABLE = "REDOUBT_CONFIG"
CONFIG_PLACES = (Path("redoubt.yaml"), Path("/etc/redoubt/redoubt.yaml"))
CANARY_VARIABLE = "REDOUBT_DENIED_LOOPBACK"  # set by the unit, which denies that address
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"  # systemd.exec(5), LoadCredential=
MASTER_KEY_CREDENTIAL = "master.key"
MASTER_KEY_BYTES = 32
PEPPER_BYTES = 32
LARGEST_SECRET = 64 * 1024
_FORMAT = b"\x01"  # of a sealed value: this byte, 12 bytes of nonce, ciphertext with its tag
_NONCE = 12


def config_path(given: Path | None = None) -> Path:
    """The file to read: the one given, else $REDOUBT_CONFIG, else `redoubt.yaml` here or in /etc/redoubt.

    Raises ConfigError when there is none.
    """
    if given is not None:
        return given
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    for place in CONFIG_PLACES:
        if place.is_file():
            return place
    raise ConfigError(
        "there is no `redoubt.yaml` here or in /etc/redoubt; "
        f"give `--config FILE`, set {CONFIG_VARIABLE}, or run `redoubt init`"
    )


def denied_loopback() -> str | None:
    """The loopback address that the unit says it denies; None where no unit says so."""
    return os.environ.get(CANARY_VARIABLE)


def resolve(reference: str, folder: Path) -> Secret:
    """The secret behind `file:PATH` (relative to `folder`) or `env:NAME`. Raises ConfigError; never shows a value."""
    kind, _, name = reference.partition(":")
    if kind == "file" and name:
        path = folder / name
        value = _read_private(path, "secret file").decode("utf-8", "replace").rstrip("\r\n")
    elif kind == "env" and name:
        found = os.environ.get(name)
        if found is None:
            raise ConfigError(f"the environment has no `{name}`; set it, or use `file:PATH`")
        value = found
    else:
        raise ConfigError("a secret is written as `file:PATH` or `env:NAME`, never as itself")
    if not value or not value.isascii() or not value.isprintable():
        raise ConfigError(f"the secret in `{reference}` is empty, or more than one line of printable ASCII")
    return Secret(value)


class MasterKey:
    """The site's master key. It seals what the store keeps, and derives what must outlive a restart."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != MASTER_KEY_BYTES:
            raise ConfigError(f"a master key has {MASTER_KEY_BYTES} bytes, this one {len(key)}")
        self._key = key

    def __repr__(self) -> str:
        return "MasterKey(…)"

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt `plain` so that it opens only under this key and for this purpose."""
        nonce = secrets.token_bytes(_NONCE)
        return _FORMAT + nonce + AESGCMSIV(self.derive("seal")).encrypt(nonce, plain, purpose.encode())

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """Raises ConfigError when the key, the purpose or the value is not the one it was sealed with."""
        if sealed[:1] != _FORMAT:
            raise ConfigError(f"`{purpose}` in the store is sealed in a way this release does not know")
        nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return AESGCMSIV(self.derive("seal")).decrypt(nonce, text, purpose.encode())
        except (InvalidTag, ValueError) as e:
            raise ConfigError(
                f"the master key does not open `{purpose}` of the store; bring back the one this store was made with"
            ) from e

    def derive(self, purpose: str) -> bytes:
        """32 bytes that depend on the key and the purpose alone (HKDF-Expand of RFC 5869 §2.3, one block)."""
        return hmac.digest(self._key, purpose.encode() + b"\x01", "sha256")

    def new_pepper(self, version: int) -> bytes:
        """A fresh pepper, sealed."""
        return self.seal(secrets.token_bytes(PEPPER_BYTES), _pepper(version))

    def pepper(self, version: int, sealed: bytes) -> bytes:
        """Open a pepper of the store. Raises ConfigError."""
        return self.unseal(sealed, _pepper(version))


def _pepper(version: int) -> str:
    return f"pepper {version}"


def read_master_key(path: Path) -> MasterKey:
    """Raises ConfigError unless it is a regular file of 32 bytes, mode 0400, owned by this user or root.

    Under systemd a credential `master.key` takes the place of `path`, which only root can read there.
    """
    if folder := os.environ.get(CREDENTIALS_VARIABLE):
        handed = Path(folder) / MASTER_KEY_CREDENTIAL
        path = handed if _listed(handed) else path
    return MasterKey(_read_private(path, "master key file", mode=0o400, largest=MASTER_KEY_BYTES))


def _listed(file: Path) -> bool:
    """Also true when we may not look: reading it then says why."""
    try:
        return file.exists()
    except OSError:
        return True


def create_master_key(path: Path) -> MasterKey:
    """Make a new one, mode 0400. Raises ConfigError when the file exists: a lost master key locks every key out."""
    key = secrets.token_bytes(MASTER_KEY_BYTES)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    except FileExistsError as e:
        raise ConfigError("is there already; a master key is never overwritten", file=str(path)) from e
    except OSError as e:
        raise ConfigError(f"cannot be written: {e.strerror}", file=str(path)) from e
    try:
        os.write(handle, key)
        os.fsync(handle)
    finally:
        os.close(handle)
    return MasterKey(key)


def _read_private(path: Path, what: str, *, mode: int | None = None, largest: int = LARGEST_SECRET) -> bytes:
    """Read a file nobody else can read. The checks are made on the open file, so that it cannot be swapped between."""
    file = str(path)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as e:
        raise ConfigError(f"the {what} cannot be read: {e.strerror}", file=file) from e
    except ValueError as e:
        raise ConfigError(f"the {what} has a path that no file can have", file=file) from e
    with os.fdopen(handle, "rb") as source:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(f"the {what} is not a regular file", file=file)
        if facts.st_uid not in {0, os.geteuid()}:
            raise ConfigError(f"the {what} belongs to user {facts.st_uid}; give it to the gateway's user", file=file)
        found = mode_of(handle)
        if mode is not None and found != mode:
            raise ConfigError(f"the {what} has mode {found:04o}; run `chmod {mode:04o}`", file=file)
        if found & 0o077:
            raise ConfigError(f"others may read the {what} (mode {found:04o}); run `chmod 0400`", file=file)
        value = source.read(largest + 1)
    if len(value) > largest:
        raise ConfigError(f"the {what} is longer than {largest} bytes", file=file)
    return value
