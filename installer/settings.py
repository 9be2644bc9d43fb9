"""The gateway's first configuration. Afterwards it is the operator's file, and never written again."""

import math
import re
from collections.abc import Mapping
from typing import Any

from installer.layout import Layout

HOST, API, ADMIN = "127.0.0.1", 4000, 4001
DRAIN, LONGEST_DRAIN = 30, 3600  # seconds; of the gateway's schema


def master_key(facts: Mapping[str, Any], layout: Layout) -> str:
    """Where systemd hands it over, it is root's own file; else it lies in the data folder."""
    return f"master_key: {layout.config}/master.key\n" if facts.get("service") == "systemd" else ""


def settings_of(facts: Mapping[str, Any], layout: Layout) -> bytes:
    """`facts`: `host`, `api_port`, `admin_port`, as asked or answered."""
    return f"""\
# A site of Redoubt, as its installer wrote it. Every setting: `redoubt config example`.
# Models, keys and the default price below fill an empty store; after that, `redoubt apply -f` brings changes in.

listen:
  api:
    host: {facts.get("host", HOST)}
    port: {facts.get("api_port", API)}
  admin:
    host: 127.0.0.1
    port: {facts.get("admin_port", ADMIN)}

data: {layout.data}
{master_key(facts, layout)}
egress:
  allow: [127.0.0.0/8, "::1/128", localhost]

# Models that declare no price are free, and reports say "unpriced by declaration". `null` refuses them instead.
default_price: 0

models: []

keys:
  - name: admin
    role: admin
    models: ["*"]
""".encode()


def drain_of(settings: str) -> int:
    """`stop.drain_seconds` of the configuration, in whole seconds: how long running streams get."""
    found = re.search(r"^[^#\n]*\bdrain_seconds: *([0-9]+(?:\.[0-9]+)?)", settings, re.MULTILINE)
    return min(math.ceil(float(found[1])), LONGEST_DRAIN) if found else DRAIN
