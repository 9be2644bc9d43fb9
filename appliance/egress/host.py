"""What the operating system itself holds a running process to, as far as it can be read from here.

It never guesses: what cannot be read, and a firewall, which no process shows, are "not seen".
"""

import errno
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")
EVERYWHERE = {"0.0.0.0/0", "::/0"}  # systemd.resource-control(5): what `IPAddressDeny=any` stands for
_UNIT = re.compile(r"0::(?P<group>/system\.slice/(?:[^/\n]+/)*(?P<unit>[^/\n]+\.service))")  # cgroups(7)

Ask = Callable[[str], str]
"""The properties of a unit, a line each, as systemd tells them; empty when it does not."""


def ask_systemd(unit: str) -> str:
    properties = ("ControlGroup", "IPAddressDeny", "IPAddressAllow")
    command = ["systemctl", "show", *(f"--property={name}" for name in properties), "--", unit]
    try:
        # No shell; the unit's name comes from the kernel.
        return subprocess.run(command, capture_output=True, text=True, timeout=3, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""


def holds(canary: str) -> bool:
    """Whether this process is kept from `canary`, a loopback address that its unit leaves out of `IPAddressAllow`.

    systemd ignores `IPAddressDeny` where the kernel has no BPF for cgroups; the datagram then stays on this machine.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.sendto(b"", (canary, 9))  # RFC 863: discard
        except OSError as refused:
            return refused.errno == errno.EPERM
    return False


def rules(process: int, holding: Path, *, proc: Path = PROC, ask: Ask = ask_systemd) -> str | None:
    """What keeps `process` from connecting elsewhere, in words; None when nothing is seen.

    `holding` is a file that the process is known to have open: a number that means another process here (it came from
    a container, or is used again) is not believed.
    """
    here = proc / str(process)
    try:
        if not _holds(here, holding):
            return None
        if _interfaces(here) == {"lo"}:
            return "it runs in a network namespace that has loopback alone"
        found = _UNIT.search((here / "cgroup").read_text())
    except OSError:
        return None
    return None if found is None else _sandbox(found["unit"], found["group"], ask(found["unit"]))


def _holds(process: Path, file: Path) -> bool:
    return any(descriptor.exists() and descriptor.samefile(file) for descriptor in (process / "fd").iterdir())


def _interfaces(process: Path) -> set[str]:
    lines = (process / "net" / "dev").read_text().splitlines()[2:]  # two lines of headings
    return {line.partition(":")[0].strip() for line in lines}


def _sandbox(unit: str, group: str, told: str) -> str | None:
    said = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    if said.get("ControlGroup") != group or not set(said.get("IPAddressDeny", "").split()) >= EVERYWHERE:
        return None
    return f"systemd holds `{unit}` to `IPAddressAllow={said.get('IPAddressAllow', '')}` and denies the rest"
