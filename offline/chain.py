"""A folder of trust files: the chain `1.trust`, `2.trust`, … with the signatures of each link. See rules.trust."""

import base64
import re
import shutil
import textwrap
from pathlib import Path

from offline.failure import Failure
from offline.page import pem_name
from offline.rules.openssl import Check, OpenSSL
from offline.rules.tree import read_small
from offline.rules.trust import LARGEST, Key, Trust, read_trust
from offline.rules.verify import follow

_FILE = re.compile(r"[1-9][0-9]*\.trust(\.[a-z0-9][a-z0-9-]*\.(ed25519|p384)\.sig)?")


def newest(folder: Path, check: Check | None = None) -> Trust:
    """The last link of a chain whose every link is right. Raises Failure for no chain, Refused for a wrong one."""
    numbers = sorted(int(one.name.split(".")[0]) for one in folder.glob("*.trust") if _FILE.fullmatch(one.name))
    if not numbers:
        raise Failure(f"`{folder}` holds no trust file such as `1.trust`; make one with `redoubt bundle trust make`")
    first = read_trust(read_small(folder / f"{numbers[0]}.trust", LARGEST))
    links = follow(first, folder, check or OpenSSL())
    last = read_trust(links[-1]) if links else first
    if last.number != numbers[-1]:
        raise Failure(f"`{folder}` has a gap: trust file {last.number + 1} is missing, {numbers[-1]} is there")
    return last


def carry(folder: Path, into: Path, role: str) -> Trust:
    """Copy the chain and write one PEM for each key of `role` in its last link, for typing by hand. The last link."""
    last = newest(folder)
    into.mkdir(parents=True)
    for one in sorted(folder.iterdir()):
        if _FILE.fullmatch(one.name):
            shutil.copyfile(one, into / one.name)
    for key in last.of(role):
        (into / pem_name(key.role, key.id, key.algorithm)).write_bytes(pem(key))
    return last


def pem(key: Key) -> bytes:
    """RFC 7468 §13."""
    body = "\n".join(textwrap.wrap(base64.b64encode(key.spki).decode(), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n".encode()
