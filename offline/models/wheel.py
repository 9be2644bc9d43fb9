"""A finished model as a wheel laid out as `spacy package` lays it out: data, and spaCy's stock `__init__`.

It is written by hand, so that no build back-end runs, nothing is fetched, and nothing of the machine gets in.
"""

import base64
import hashlib
import json
import zipfile
from pathlib import Path

from spacy.cli.package import TEMPLATE_INIT

from offline.failure import Failure
from offline.models.clean import LARGEST, check
from offline.own import plain
from offline.rules.wheel import read_wheel


def pack(model: Path, name: str, version: str, pages: dict[str, str], into: Path) -> Path:
    """The wheel of the model folder. `pages`: file names and texts (NOTICE, model card) that travel in it.

    Raises Failure when it grows too large, or when a file names a place of this machine.
    """
    info = f"{name}-{version}.dist-info"
    language = json.loads((model / "meta.json").read_bytes())["lang"]
    inner = f"{name}/{language}_{name}-{version}"
    members = {f"{inner}/{one.relative_to(model)}": one.read_bytes() for one in model.rglob("*") if one.is_file()}
    members[f"{name}/__init__.py"] = TEMPLATE_INIT.format(imports="").encode()
    members[f"{name}/meta.json"] = members[f"{inner}/meta.json"]
    for page, text in pages.items():
        members[f"{info}/licenses/{page}"] = text.encode()
    members[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: redoubt\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members[f"{info}/METADATA"] = _metadata(name, version, sorted(pages)).encode()
    check(members)
    written = _zip(members, info, into / f"{name}-{version}-py3-none-any.whl")
    if written.stat().st_size > LARGEST:
        raise Failure(f"`{written.name}` has {written.stat().st_size:,} bytes, over {LARGEST:,}; train a smaller one")
    read_wheel(written)
    return written


def _metadata(name: str, version: str, pages: list[str]) -> str:
    head = (f"Name: {name}", f"Version: {version}", "License-Expression: CC-BY-SA-4.0")
    asks = "Requires-Dist: spacy>=3.8.0,<3.9.0"
    return "\n".join(["Metadata-Version: 2.4", *head, *(f"License-File: {page}" for page in pages), asks, ""])


def _zip(members: dict[str, bytes], info: str, path: Path) -> Path:
    lines = [f"{name},sha256={_b64(members[name])},{len(members[name])}" for name in sorted(members)]
    record = "".join(f"{line}\n" for line in (*lines, f"{info}/RECORD,,")).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted({**members, f"{info}/RECORD": record}.items()):
            entry = plain(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=9)  # the archive's own level does not count for entries
    return path


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
