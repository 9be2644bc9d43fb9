"""A checkout of a tiny redoubt: a git repository with all that a build asks for, and a cache with its wheels."""

import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

from offline.build import Draft, Order
from offline.cache import WheelCache
from offline.rules import dsse
from offline.rules.lock import Pin, write_lock
from offline.rules.names import SUMS
from offline.rules.wheel import read_wheel
from tests.fakes.bundle import trust, wheel, write_tree

COMMITTED = "2026-11-20T10:00:00+00:00"
ROOT = Path(__file__).parents[2]
# What setuptools would do, for a tree of two files: the build is what is tested, not setuptools.
BACKEND = """
import base64, hashlib, pathlib, zipfile, time, random

def build_wheel(out):
    name = "redoubt_gateway-0.1.0-py3-none-any.whl"
    files = {str(p): p.read_bytes() for p in pathlib.Path("appliance").rglob("*.py")}
    info = "redoubt_gateway-0.1.0.dist-info"
    files[info + "/METADATA"] = b"Metadata-Version: 2.4\\nName: redoubt-gateway\\nVersion: 0.1.0\\n"
    files[info + "/WHEEL"] = b"Wheel-Version: 1.0\\nTag: py3-none-any\\n"
    hashed = {p: base64.urlsafe_b64encode(hashlib.sha256(c).digest()).rstrip(b"=").decode() for p, c in files.items()}
    lines = [p + ",sha256=" + hashed[p] + "," + str(len(files[p])) for p in files]
    files[info + "/RECORD"] = "\\n".join(lines + [info + "/RECORD,,", ""]).encode()
    order = list(files)
    random.SystemRandom().shuffle(order)
    with zipfile.ZipFile(pathlib.Path(out) / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in order:
            archive.writestr(zipfile.ZipInfo(path, time.gmtime()[:6]), files[path])
    return name
"""


def git(folder: Path, *words: str) -> str:
    identity = {"NAME": "tests", "EMAIL": "tests@example.org", "DATE": COMMITTED}
    environment = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in identity.items()}
    ran = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", *words],
        cwd=folder,
        env={**environment, "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


class Checkout:
    """A repository below `folder`, its cache, and a folder of trust."""

    def __init__(self, folder: Path, more: Mapping[str, bytes] | None = None) -> None:
        self.folder, self.wheels, self.trust = folder / "source", folder / "cache", folder / "trust"
        cache, made = WheelCache(self.wheels), folder / "made"
        native = "cp311-cp311-manylinux_2_28_x86_64"
        serve = [
            wheel(made, "alpha", "1.0", {"alpha/__init__.py": b"VALUE = 1\n"}),
            wheel(made, "beta", "2.0", {"beta/_speed.so": b"\x7fELF" + b"b" * 9000}, native),
        ]
        tools = [*serve, wheel(made, "gamma", "3.1", {"gamma.py": b"TOOL = True\n"})]
        build = [
            wheel(
                made,
                "setuptools",
                "84.0",
                {"setuptools/__init__.py": b"", "setuptools/build_meta.py": BACKEND.encode()},
            )
        ]
        for one in {*tools, *build}:
            cache.put(one)
        locks = {
            f"offline/locks/{kind}-cp311-x86_64.txt": write_lock(kind, "cp311", "x86_64", pins(wheels)).encode()
            for kind, wheels in (("serve", serve), ("tools", tools), ("build", build))
        }
        rules = {str(one.relative_to(ROOT)): one.read_bytes() for one in (ROOT / "offline/rules").glob("*.py")}
        write_tree(self.folder, {**FILES, **rules, **locks, **(more or {})})
        git(self.folder, "init", "--quiet")
        self.commit()
        write_tree(self.trust, {"1.trust": str(trust()).encode()})

    def commit(self) -> str:
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", "a state of the tree")
        return git(self.folder, "rev-parse", "HEAD")

    def order(self, out: Path, **changes: object) -> Order:
        told: dict[str, object] = {
            "source": self.folder,
            "arch": "x86_64",
            "pythons": ("3.11",),
            "seq": 7,
            "out": out,
            "trust": self.trust,
            "wheels": self.wheels,
            **changes,
        }
        return Order(**told)  # type: ignore[arg-type]  # fields of the order, as a test names them


def pins(wheels: list[Path]) -> list[Pin]:
    read = [read_wheel(one) for one in wheels]
    return [Pin(one.name, one.version, one.sha256) for one in read]


def describe(draft: Draft) -> None:
    """As little as a list of parts can say and be true: name and hash of each wheel that lies there."""
    parts = [{"name": one.name, "hashes": [{"alg": "SHA-256", "content": one.sha256}]} for one in draft.wheels]
    write_tree(
        draft.folder,
        {
            "sbom/redoubt.cdx.json": dsse.canonical({"bomFormat": "CycloneDX", "components": parts}),
            "licences/alpha-1.0/LICENSE": b"MIT\n",
        },
    )


def same(one: Path, other: Path) -> bool:
    return (one / SUMS).read_bytes() == (other / SUMS).read_bytes()


FILES = {
    "pyproject.toml": b'[project]\nname = "redoubt-gateway"\nversion = "0.1.0"\n',
    ".gitignore": b"__pycache__/\n",
    "appliance/__init__.py": b'"""The gateway."""\n',
    "appliance/docs/operator-guide.md": b"# Operator guide\n",
    "appliance/store/migrations/store/v0001_first.py": b'revision = "0001"\ncompatible_from = "0001"\n',
    "appliance/store/migrations/store/v0002_next.py": b'revision = "0002"\ncompatible_from = "0001"\n',
    "appliance/store/migrations/ledger/v0001_first.py": b'revision: str = "0001"\n',
    "offline/__init__.py": b"",
    "offline/policy/pth-allow.txt": b"# name path sha256\n",
    "installer/__main__.py": textwrap.dedent("""\
        from offline.rules.names import SUMS

        def main():
            print("installs by", SUMS)
            return 0
        """).encode(),
    "Containerfile": b"FROM scratch\n",
    "offline/image/fill.py": b"",
    "installer/verify.sh": b"#!/bin/sh\nexit 0\n",
    "installer/install.sh": b"#!/bin/sh\nexit 0\n",
    "installer/quickstart.sh": b"#!/bin/sh\nexit 0\n",
    "installer/START-HERE.txt": b"redoubt @VERSION@ number @SEQ@\n@KEYS@\n",
    "installer/units/redoubt.service": b"[Service]\n",
}
