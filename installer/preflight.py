"""What this host has and lacks, in plain answers, before anything is copied."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from installer.failure import Failed
from installer.layout import Layout
from installer.medium import size_of
from installer.programs import networkless, run
from installer.settings import ADMIN, API, HOST
from offline.rules.openssl import OPENSSL
from offline.rules.wheel import GLIBC_FLOOR

FACTOR = 2.5  # of the medium's bytes: its copy, and its unpacked wheels with byte code
UNPACKED = 450 * 1024 * 1024  # bytes; both environments, whatever the medium weighs packed
PYTHONS = ((3, 11), (3, 13))
BORN = datetime(2026, 1, 1, tzinfo=UTC)  # no clock is before this program


class Answer(NamedTuple):
    """One question, answered: `ok`, `warn` or `fail`."""

    about: str
    level: str
    text: str


def look(layout: Layout, medium: Path, asked: dict[str, Any]) -> list[Answer]:
    """Every answer. `asked`: `host`, `api_port`, `admin_port` of a first install; empty for an upgrade."""
    return [
        _python(),
        _glibc(),
        _disk(layout, _weight(layout, medium)),
        *_ports(asked),
        _clock(),
        *_openssl(),
        _user(layout),
        _systemd(),
        _namespace(),
    ]


def demand(answers: list[Answer]) -> None:
    """Raises Failed when one of them is a `fail`."""
    if wrong := [one for one in answers if one.level == "fail"]:
        raise Failed("; ".join(f"{one.about}: {one.text}" for one in wrong))


def _python() -> Answer:
    version = platform.python_version()
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Answer("python", "fail", f"this is {version}; 3.11, 3.12 or 3.13 is needed")
    return Answer("python", "ok", f"{version} at {Path(sys.executable).resolve()}")


def _glibc() -> Answer:
    name, version = platform.libc_ver()
    numbers = tuple(int(one) for one in version.split(".")[:2] if one.isdigit())
    floor = ".".join(map(str, GLIBC_FLOOR))
    if name != "glibc" or numbers < GLIBC_FLOOR:
        return Answer("glibc", "fail", f"{name or 'another C library'} {version}; glibc {floor} or newer is needed")
    return Answer("glibc", "ok", version)


def _weight(layout: Layout, medium: Path) -> int:
    """Bytes of the whole bundle. An update is rebuilt to one, about as large as the one that serves."""
    serving = layout.serving()
    rebuilt = size_of(serving.bundle) if medium.suffix == ".gwd" and serving is not None else 0
    return size_of(medium) + rebuilt


def _disk(layout: Layout, medium: int) -> Answer:
    place = next(one for one in (layout.prefix, *layout.prefix.parents) if one.exists())
    free, needed = shutil.disk_usage(place).free, int(medium * FACTOR) + UNPACKED
    said = f"{free / 1e9:.1f} GB free at {place}, {needed / 1e9:.1f} GB needed"
    return Answer("disk", "ok" if free >= needed else "fail", said)


def _ports(asked: dict[str, Any]) -> Iterator[Answer]:
    if not asked:
        return
    for name, host, port in (
        ("api port", asked.get("host") or HOST, asked.get("api_port") or API),
        ("admin port", HOST, asked.get("admin_port") or ADMIN),
    ):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as trying:
                trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trying.bind((host, port))
        except OSError as error:
            yield Answer(name, "fail", f"{host} port {port} cannot be had: {error.strerror}; name another one")
        else:
            yield Answer(name, "ok", f"{host} port {port} is free")


def _clock() -> Answer:
    now = datetime.now(UTC)
    said = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < BORN:
        return Answer("clock", "fail", f"{said}: before this program was written; set it")
    if now > BORN + timedelta(days=20 * 365):
        return Answer("clock", "warn", f"{said}: far in the future; compare it with a watch")
    return Answer("clock", "ok", said)


def _openssl() -> Iterator[Answer]:
    if not Path(OPENSSL).exists():
        yield Answer("openssl", "fail", f"`{OPENSSL}` is missing; no signature can be checked without it")
        return
    version = run([OPENSSL, "version"]).out.strip()
    three = not version.startswith(("OpenSSL 0", "OpenSSL 1"))
    forms = "Ed25519 and P-384" if three else "P-384 only: the medium needs enough signatures of that kind"
    yield Answer("openssl", "ok" if three else "warn", f"{version}; checks {forms}")
    flag = Path("/proc/sys/crypto/fips_enabled")
    enabled = flag.exists() and flag.read_text().strip() == "1"
    text = "on: Ed25519 may be refused by openssl; P-384 signatures count" if enabled else "off"
    yield Answer("fips", "warn" if enabled else "ok", text)


def _user(layout: Layout) -> Answer:
    if os.geteuid() == 0:
        return Answer("user", "ok", "root: the gateway runs as a user of its own when it is a service")
    place = next(one for one in (layout.prefix, *layout.prefix.parents) if one.exists())
    if not os.access(place, os.W_OK):
        return Answer("user", "fail", f"not root, and `{place}` cannot be written; name a `--prefix` of your own")
    return Answer("user", "ok", "not root: everything goes into the prefix and runs as you")


def _systemd() -> Answer:
    if Path("/run/systemd/system").is_dir():
        return Answer("systemd", "ok", "runs")
    return Answer("systemd", "warn", "does not run: have a supervisor of yours run `bin/redoubt-serve` at every boot")


def _namespace() -> Answer:
    if networkless():
        return Answer("no network", "ok", "programs of the release are run in an empty network namespace")
    return Answer("no network", "warn", "namespaces are not allowed here; nothing asks for a network all the same")
