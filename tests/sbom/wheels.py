"""Tiny wheels made by hand, byte for byte the same each time, and the faults a wheel may carry."""

import base64
import hashlib
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sbom.model import Party, Product, Target

EPOCH = 1_795_305_600  # 2026-11-22T00:00:00Z
MAKER = Party("Example project", email="security@redoubt.example")
PRODUCT = Product(
    name="redoubt", version="0.1.0", machine="x86_64", licence="Apache-2.0", party=MAKER, tool_version="0.1.0"
)
SERVE = Target("serve", "3.11", "x86_64")
TOOLS = Target("tools", "3.11", "x86_64")
MIT = "Copyright (c) 2026 the makers\n\nPermission is hereby granted, free of charge\n"


def digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def record(files: Mapping[str, bytes], info: str) -> bytes:
    lines = [f"{path},{digest(content)},{len(content)}" for path, content in sorted(files.items())]
    return "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()


def build(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    head: Sequence[str] = ("License-Expression: MIT",),
    files: Mapping[str, bytes] | None = None,
    tag: str = "py3-none-any",
    after: Mapping[str, bytes] | None = None,
) -> Path:
    """One wheel. `head`: more lines of METADATA; `after`: files replaced or added once RECORD is written."""
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", "Author-email: A Maker <a@maker.example>"]
    contents = {
        f"{name}/__init__.py": f"NAME = '{name}'\n".encode(),
        f"{info}/METADATA": "\n".join([*lines, *head, "", ""]).encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/licenses/LICENSE": MIT.encode(),
        **(files or {}),
    }
    contents = {path: content for path, content in contents.items() if content != b"-"}  # `-`: without this file
    contents[f"{info}/RECORD"] = record(contents, info)
    contents |= after or {}
    path = folder / f"{name}-{version}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for inner, content in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(inner, (2026, 1, 1, 0, 0, 0)), content)
    return path


def elf(*needed: str, extra: bytes = b"") -> bytes:
    """A 64-bit little-endian ELF file with a dynamic section that asks for these libraries, and no code."""
    names, places = b"\0", []
    for one in needed:
        places.append(len(names))
        names += one.encode() + b"\0"
    base, dynamic = 0x1000, 64 + 2 * 56
    words = [(1, place) for place in places] + [(5, base + dynamic + 16 * (len(places) + 2)), (0, 0)]
    section = b"".join(struct.pack("<QQ", *word) for word in words)
    size = dynamic + len(section) + len(names)
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, base, base, size, size, 0x1000)
    dyn = struct.pack("<IIQQQQQQ", 2, 4, dynamic, base + dynamic, base + dynamic, len(section), len(section), 8)
    return head + load + dyn + section + names + extra
