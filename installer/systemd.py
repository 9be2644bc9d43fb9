"""The service as systemd runs it: rendered from a few settings, and judged by systemd itself before it is used.

Pure but for `check`, which asks `systemd-analyze` about files in a folder of its own. Standard library only.
"""

import ipaddress
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

UNIT = "redoubt.service"
DROP_IN = f"{UNIT}.d/10-networks.conf"
MOST_EXPOSED = 1.2  # of 10, by `systemd-analyze security`
STOP_GRACE_S = 30  # after the drain: the ledger's last rows, then the end
_PATH = re.compile(r"/[A-Za-z0-9._+-]+(?:/[A-Za-z0-9._+-]+)*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")  # useradd(8)
_MARK = re.compile(r"@([A-Z][A-Z0-9_]*)@")
_EXPOSURE = re.compile(r"Overall exposure level for \S+: (\d+\.\d+)")
_QUIET = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat"}


class UnitError(Exception):
    """A setting a unit cannot have, or a unit that systemd refuses; says which and what to do."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """What differs from site to site. Raises UnitError for what could mean something else inside a unit."""

    python: str  # the host's, that runs `installer.pyz`
    prefix: str = "/opt/redoubt"
    configuration: str = "/etc/redoubt/redoubt.yaml"
    data: str = "/var/lib/redoubt"
    master_key: str = "/etc/redoubt/master.key"  # root's, mode 0400
    user: str = "redoubt"
    networks: Sequence[str] = ()  # beyond loopback: of clients, of model servers, of resolvers
    ports: Sequence[int] = (4000, 4001)
    drain_s: int = 30  # `stop.drain_seconds`

    def __post_init__(self) -> None:
        for name in ("python", "prefix", "configuration", "data", "master_key"):
            path: str = getattr(self, name)
            if not _PATH.fullmatch(path) or not {".", ".."}.isdisjoint(path.split("/")):
                raise UnitError(f"{name}: `{path}` is no plain absolute path (letters, digits and `._+-`)")
        if not _USER.fullmatch(self.user) or self.user == "root":
            raise UnitError(f"user: `{self.user}` cannot be the service's user; it needs one of its own")
        if not self.ports or not all(1024 <= port <= 65535 for port in self.ports):
            raise UnitError(f"ports: {list(self.ports)}: a service without privileges listens on ports 1024 to 65535")
        if not 0 <= self.drain_s <= 3600:
            raise UnitError(f"drain_s: {self.drain_s} is not between 0 and 3600 seconds")
        check_networks(self.networks)


def check_networks(networks: Sequence[str]) -> None:
    """Raises UnitError for what is no network, and for one that is everything."""
    for text in networks:
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            raise UnitError(f"networks: `{text}` is no network ({error}); write it like `10.20.0.0/16`") from error
        if network.prefixlen == 0:
            raise UnitError(f"networks: `{text}` is every address there is; name the site's own networks")


def unit(template: str, service: Service) -> str:
    """The text of `redoubt.service`. Raises UnitError for a template with a mark that nobody fills."""
    binds = "\n".join(f"SocketBindAllow=tcp:{port}" for port in sorted(set(service.ports)))
    return filled(
        template,
        {
            "BIND": binds,
            "CONFIGURATION": service.configuration,
            "DATA": service.data,
            "DRAIN": str(service.drain_s),
            "MASTER_KEY": service.master_key,
            "PREFIX": service.prefix,
            "PYTHON": service.python,
            "STOP": str(service.drain_s + STOP_GRACE_S),
            "USER": service.user,
        },
    )


def filled(template: str, values: Mapping[str, str]) -> str:
    """`template` with every `@NAME@` replaced, once. Raises UnitError for a name that is not among `values`."""

    def value(mark: re.Match[str]) -> str:
        if mark[1] not in values:
            raise UnitError(f"the template asks for `{mark[0]}`, which this installer does not know")
        return values[mark[1]]

    return _MARK.sub(value, template)


def drop_in(networks: Sequence[str]) -> str:
    """The text of `redoubt.service.d/10-networks.conf`: the only networks packets come from and go to."""
    lines = [f"IPAddressAllow={one}" for one in sorted({str(ipaddress.ip_network(one)) for one in networks})]
    head = "# The networks of this site, beside loopback: clients, model servers, resolvers. All else is dropped."
    return "\n".join([head, "[Service]", *lines, ""])


def check(unit_text: str, drop_in_text: str, *, most_exposed: float = MOST_EXPOSED) -> float:
    """The exposure, of 10. Raises UnitError when systemd cannot use the unit as it stands, or finds it too open.

    `verify` looks for the programs named: ask once they are in their places.
    """
    if shutil.which("systemd-analyze") is None:
        raise UnitError("`systemd-analyze` is missing: this host does not run systemd; use the container or a prefix")
    with tempfile.TemporaryDirectory(prefix="redoubt-unit-") as folder:
        path = Path(folder) / UNIT
        path.write_text(unit_text, encoding="utf-8")
        (Path(folder) / DROP_IN).parent.mkdir()
        (Path(folder) / DROP_IN).write_text(drop_in_text, encoding="utf-8")
        verified = _analyze("verify", "--man=no", "--recursive-errors=no", str(path))
        if verified.returncode or verified.stderr.strip():
            raise UnitError(f"systemd cannot use the unit: {verified.stderr.strip()[:800]}")
        judged = _analyze("security", "--offline=true", "--no-pager", str(path))
    found = _EXPOSURE.search(judged.stdout)
    if found is None:
        raise UnitError(
            f"`systemd-analyze security` says nothing (systemd 250 or newer is needed): {judged.stderr[:400]}"
        )
    exposure = float(found[1])
    if exposure > most_exposed:
        raise UnitError(
            f"the unit's exposure is {exposure}, more than {most_exposed}; look for a drop-in that opens it"
        )
    return exposure


def _analyze(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=_QUIET)  # noqa: S603
