"""A root file system of one package and one text: what `redoubt bundle image-root` makes, but tiny."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

COPYRIGHT = b"Copyright (c) 2026 the makers of tiny. Permission is granted.\n"


def image_root(folder: Path, *, architecture: str = "amd64", text: bytes = COPYRIGHT) -> Path:
    """The folder, with `rootfs.tar` and `packages.json`."""
    folder.mkdir(parents=True)
    files = {"usr/share/doc/libtiny1/copyright": text, "usr/lib/libtiny.so.1": b"\x7fELF tiny"}
    with tarfile.open(folder / "rootfs.tar", "w", format=tarfile.USTAR_FORMAT) as out:
        for name, content in files.items():
            told = tarfile.TarInfo(name)
            told.size = len(content)
            out.addfile(told, io.BytesIO(content))
    package = {
        "name": "libtiny1",
        "version": "1:2.0-1",
        "architecture": architecture,
        "source": "tiny",
        "maintainer": "A Maker <maker@debian.example>",
        "file": f"libtiny1_1:2.0-1_{architecture}.deb",
        "sha256": "ab" * 32,
        "licences": [],
        "copyright": "usr/share/doc/libtiny1/copyright",
    }
    digest = hashlib.sha256((folder / "rootfs.tar").read_bytes()).hexdigest()
    told_all = {"packages": [package], "rootfs_sha256": digest, "suite": "bookworm"}
    (folder / "packages.json").write_text(json.dumps(told_all))
    return folder
