"""Portkey's gateway on Node. The provider is named by request headers.

Its streams were seen to fail when npm skips install scripts; that says something of an installation, not of Portkey.
"""

import json
import shutil

from tests.bench.gateway import Described, Place

_PACKAGE = "portkey/node_modules/@portkey-ai/gateway"


def describe(place: Place) -> Described:
    server = place.installed(f"{_PACKAGE}/build/start-server.js")
    own = place.home / "portkey/node_modules/node/bin/node"
    node = str(own) if own.exists() else shutil.which("node")
    if node is None:
        raise FileNotFoundError("node is not installed; see peers.sh")
    return Described(
        version=json.loads((place.home / _PACKAGE / "package.json").read_text())["version"],
        lacks="no keys, no limits, no ledger",
        argv=(node, str(server), f"--port={place.port}", "--headless"),
        port=place.port,
        headers=("x-portkey-provider: openai", f"x-portkey-custom-host: {place.upstream}/v1"),
    )
