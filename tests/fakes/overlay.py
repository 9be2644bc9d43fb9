"""What a site signs and adds: an adapter of its own in a wheel, in a sealed overlay."""

import hashlib
import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.fakes.bundle import CAROL, header, seal, trust, wheel, write_tree

PAGE = Path(__file__).parents[2] / "appliance/docs/install.md"
ADAPTER = textwrap.dedent(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]).encode()
"""The adapter that install.md shows to operators."""
SITE = trust(CAROL, roles={"root": 1, "overlay": 1}, product="redoubt-site")
PAPER = hashlib.sha256(str(SITE).encode()).hexdigest()


def adapter(
    folder: Path,
    name: str = "acme_adapter",
    files: Mapping[str, bytes] | None = None,
    points: str = "[redoubt.providers]\nacme = acme_adapter:Acme\n",
    tag: str = "py3-none-any",
) -> Path:
    """The wheel of an adapter, in the new folder."""
    told = {f"{name}-1.2.0.dist-info/entry_points.txt": points.encode()} if points else {}
    return wheel(folder, name, "1.2.0", {**({f"{name}.py": ADAPTER} if files is None else files), **told}, tag)


def sealed(folder: Path, version: str = "acme-adapter-1.2.0", seq: int = 1) -> Path:
    """The folder, signed by the site's one key holder."""
    write_tree(folder, {"trust/1.trust": str(SITE).encode()})
    seal(folder, replace(header("overlay", seq=seq, version=version), arch="any"), ((CAROL, "ed25519"),))
    return folder
