"""The host's own word on where the gateway's user may connect: an nftables table, rendered from the site's networks.

Pure but for `check`, which asks `nft` to read the rules and changes nothing. Standard library only.
"""

import ipaddress
import shutil
import subprocess
from collections.abc import Sequence

from installer.systemd import UnitError, check_networks, filled

RULES = "redoubt.nft"


def rules(template: str, *, user: str, networks: Sequence[str]) -> str:
    """The text of `redoubt.nft`: `networks` are what the gateway connects to, model servers and resolvers.

    Clients are not among them: answering an accepted connection needs no entry. Raises UnitError.
    """
    check_networks(networks)
    told = [ipaddress.ip_network(one) for one in networks]
    marks = {"USER": user}
    for version in (4, 6):
        elements = sorted({one for one in told if one.version == version}, key=str)
        listed = ", ".join(str(one) for one in elements)
        marks[f"ALLOWED{version}"] = f"\t\telements = {{ {listed} }}" if elements else "\t\t# none"
    return filled(template, marks)


def check(text: str) -> None:
    """Raises UnitError when nft cannot read the rules, or does not know the user. Loads nothing; needs root."""
    if shutil.which("nft") is None:
        raise UnitError("`nft` is missing: install nftables, or leave the host's firewall to other hands")
    command = ["nft", "--check", "--file", "-"]
    ran = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode:
        raise UnitError(f"nft cannot use the rules: {ran.stderr.strip()[:800]}")
