"""What a process tells the kernel to reach, as strace saw it, and which of that leaves loopback."""

import re
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import msgspec

from tests.e2e.site import eventually
from tests.system.needs import missing, need

CALLS = "connect,sendto,sendmsg,sendmmsg"  # glibc asks for A and AAAA in one sendmmsg
DNS = 53
NAME_CACHE = ("/var/run/nscd/socket", "/run/nscd/socket")
_CALL = re.compile(r"^(\d+)\s+(?:<\.\.\. )?(\w+)[( ]")
_FAMILY = re.compile(r"sa_family=(AF_\w+)")
# A quote inside a payload is printed as \": none of these can be part of what was sent.
_ADDRESS = re.compile(r'(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"\\]+)"')
_PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
_PATH = re.compile(r'sun_path=@?"([^"\\]*)"')


class Reached(msgspec.Struct, frozen=True):
    """One destination of one call."""

    call: str
    family: str
    to: str  # address or path
    port: int
    line: str

    @property
    def strays(self) -> bool:
        """Whether it is anything but a loopback address that is no name server, or this kernel itself.

        AF_UNSPEC takes a destination away, AF_NETLINK asks the kernel for its own addresses. The one Unix socket that
        is let pass is the name cache glibc looks for before it reads /etc/hosts; what it was asked is judged by `text`.
        """
        if self.family in {"AF_UNSPEC", "AF_NETLINK"}:
            return False
        if self.family == "AF_UNIX":
            return self.to not in NAME_CACHE
        if self.family not in {"AF_INET", "AF_INET6"}:
            return True
        return not ip_address(self.to).is_loopback or self.port == DNS


def under(trace: Path) -> list[str]:
    """What to put before a command, so that its calls are written to `trace`. It stays our child, not strace's."""
    strace = need("strace", "strace")
    asked = [strace, "-D", "-f", "-qq", "-s", "512", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(trace)]
    tried = subprocess.run([*asked, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        missing(f"this machine lets nobody be traced: {tried.stderr.strip()}")
    return asked


def reached(text: str) -> Iterator[Reached]:
    """Every destination in a trace. Raises ValueError for a line it cannot read."""
    for line in text.splitlines():
        call = _CALL.match(line)
        family = _FAMILY.search(line)
        if call is None or family is None:  # no destination: the socket was connected, and that was seen
            continue
        address, port, path = _ADDRESS.search(line), _PORT.search(line), _PATH.search(line)
        to = address or path
        if to is None and family[1] in {"AF_INET", "AF_INET6", "AF_UNIX"}:
            raise ValueError(f"a destination that cannot be read: {line}")
        yield Reached(call[2], family[1], to[1] if to else "", int(port[1]) if port else 0, line)


def settled(trace: Path) -> str:
    """The trace of a process that has ended: strace, our grandchild, writes its last line a moment later."""
    eventually(lambda: not _traced_still(trace))
    return trace.read_text()


def _traced_still(trace: Path) -> bool:
    """Whether some process has the file open."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == trace:
                return True
        except OSError:
            continue  # gone, or not ours to look at
    return False


def offline(*command: str) -> list[str]:
    """`command` where loopback is the only network. Skips where the machine makes no namespaces."""
    need("unshare", "util-linux")
    script = ["sh", str(Path(__file__).with_name("offline.sh"))]
    tried = subprocess.run([*script, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        missing(tried.stderr.strip())
    return ["env", f"PYTHON={sys.executable}", *script, *command]
