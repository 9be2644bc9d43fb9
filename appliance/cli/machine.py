"""What the doctor looks at on the host: interpreter, disk, clock, rights, ports, descriptors."""

import os
import platform
import resource
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.domain.model import Finding

if TYPE_CHECKING:
    from appliance.config.schema import Site

FULL, NEARLY_FULL = 200 * 1024**2, 2 * 1024**3  # bytes free
NOT_BEFORE = datetime(2026, 11, 1, tzinfo=UTC)  # this release was written later
AHEAD = 3600  # seconds a file may be younger than now


def examine_machine(site: "Site") -> list[Finding]:
    """Every check, in the order they are printed. Changes nothing."""
    return [
        *_python(),
        *_disk(site.data_folder),
        *_clock(site.data_folder),
        *_rights(site),
        *_ports(site),
        *_files(site),
    ]


def _python() -> Iterator[Finding]:
    good = sys.version_info >= (3, 11)
    text = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding(check="python", level="ok" if good else "fail", text=text if good else f"{text}; 3.11 is needed")


def _disk(data: Path) -> Iterator[Finding]:
    from appliance.domain.errors import ConfigError
    from appliance.store.mounts import refuse_network_file_system

    if not data.is_dir():
        yield Finding(check="data", level="fail", text=f"there is no data folder `{data}`; run `redoubt init`")
        return
    free = shutil.disk_usage(data).free
    level = "fail" if free < FULL else "warn" if free < NEARLY_FULL else "ok"
    advice = "" if level == "ok" else "; new requests are refused when the ledger cannot be written, so make room"
    yield Finding(check="disk", level=level, text=f"{free // 1024**2} MiB are free in `{data}`{advice}")
    try:
        refuse_network_file_system(data)
        yield Finding(check="file-system", level="ok", text="the data folder lies on a local file system")
    except ConfigError as error:
        yield Finding(check="file-system", level="fail", text=error.message)


def _clock(data: Path) -> Iterator[Finding]:
    now = datetime.now(UTC)
    newest = max((file.stat().st_mtime for file in data.glob("*.db*")), default=0.0) if data.is_dir() else 0.0
    if now < NOT_BEFORE:
        text = (
            f"the clock says {now:%Y-%m-%d}, before this release was written; budgets and expiry would be wrong: set it"
        )
        yield Finding(check="clock", level="fail", text=text)
    elif newest > now.timestamp() + AHEAD:
        text = "the clock is behind the last change of the store; budgets and expiry would be wrong: set it"
        yield Finding(check="clock", level="fail", text=text)
    else:
        yield Finding(check="clock", level="ok", text=f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _rights(site: "Site") -> Iterator[Finding]:
    from appliance.config.secrets import read_master_key
    from appliance.domain.errors import ConfigError

    data = site.data_folder
    wanted = [(data, 0o700), (data / "store.db", 0o600), (data / "ledger.db", 0o600)]
    open_ = [
        f"`{path}` has mode {mode:04o}, {most:04o} is enough"
        for path, most in wanted
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & ~most
    ]
    text = "; ".join(open_) or "data folder and databases are closed to others"
    yield Finding(check="rights", level="fail" if open_ else "ok", text=text)
    try:
        read_master_key(site.master_key_file)
        yield Finding(check="master-key", level="ok", text="the master key is there, mode 0400")
    except ConfigError as error:
        yield Finding(check="master-key", level="fail", text=error.message)


def _ports(site: "Site") -> Iterator[Finding]:
    for name, listener in (("api", site.listen.api), ("admin", site.listen.admin)):
        where = f"{listener.host}:{listener.port}"
        check = f"port-{name}"
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listener.host, listener.port))
                yield Finding(check=check, level="ok", text=f"{where} is free")
            except OSError as error:
                text = f"{where} cannot be bound ({os.strerror(error.errno or 0)}); fine when the gateway is running"
                yield Finding(check=check, level="warn", text=text)


def _files(site: "Site") -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * site.limits.max_streams + 256  # a client and an upstream for each stream, and some more
    level = "ok" if soft == resource.RLIM_INFINITY or soft >= needed else "warn"
    advice = "" if level == "ok" else f"; `limits.max_streams` may need {needed}: raise `ulimit -n` or lower the limit"
    yield Finding(check="descriptors", level=level, text=f"{soft} file descriptors may be open{advice}")
