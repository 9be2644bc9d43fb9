"""Trust files: the first, those that follow, their signatures and the page to carry on paper. See rules.trust."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from offline.chain import pem
from offline.failure import Failure
from offline.files import write_whole
from offline.keys import read_public
from offline.page import pem_name
from offline.rules.moments import write_moment
from offline.rules.openssl import Check, OpenSSL
from offline.rules.tree import read_small
from offline.rules.trust import LARGEST, ROLES, Key, Trust, fingerprint, read_trust
from offline.signer import Signer


def keys_of(told: Iterable[str], roles: Iterable[str]) -> list[Key]:
    """`FILE.pub`, or `role,role:FILE.pub`; without roles a key is for all of `roles`. Raises Failure."""
    found: list[Key] = []
    for one in told:
        named, colon, file = one.rpartition(":")
        chosen = named.split(",") if colon else list(roles)
        if unknown := sorted(set(chosen) - set(ROLES)):
            raise Failure(f"`{unknown[0]}` is no role; there are {', '.join(ROLES)}")
        id_, algorithm, spki = read_public(Path(file))
        found += [Key(role, id_, algorithm, spki) for role in chosen]
    return found


def make(folder: Path, trust: Trust) -> bytes:
    """Write the first trust file; its bytes. Raises Failure when there is one, Refused when it makes no sense."""
    if folder.is_dir() and any(folder.glob("*.trust")):
        raise Failure(f"`{folder}` holds a trust file already; `redoubt bundle trust rotate` adds the next one")
    return _save(folder, trust)


def rotate(  # each change is one word of the command
    folder: Path,
    created: datetime,
    expires: datetime,
    *,
    thresholds: Mapping[str, int],
    add: Iterable[str],
    remove: Iterable[str],
) -> bytes:
    """Write the next trust file, which nobody signed yet: with keys added, ids removed and thresholds changed."""
    last = latest(folder)
    gone = set(remove)
    if unknown := sorted(gone - {key.id for key in last.keys}):
        raise Failure(f"trust file {last.number} names no `{unknown[0]}`")
    merged = {**last.thresholds, **thresholds}
    fresh = keys_of(add, merged)
    replaced = {(key.role, key.id, key.algorithm) for key in fresh}
    kept = [k for k in last.keys if k.id not in gone and (k.role, k.id, k.algorithm) not in replaced]
    following = replace(
        last,
        number=last.number + 1,
        created=created,
        expires=expires,
        thresholds=merged,
        keys=tuple(sorted([*kept, *fresh])),
    )
    return _save(folder, following)


def sign_trust(folder: Path, id_: str, signer: Signer, check: Check | None = None) -> Path:
    """Add a signature to the newest trust file: by a root key of it, or of the one before. Raises Failure."""
    last = latest(folder)
    if last.number == first_number(folder):
        raise Failure("the first trust file is believed by its fingerprint on paper; nobody signs it")
    content = str(last).encode()
    before = read_trust(read_small(folder / f"{last.number - 1}.trust", LARGEST))
    signature = signer.sign(content)
    keys = {key for trust in (before, last) for key in trust.of("root")}
    for key in keys:
        if (key.id, key.algorithm) == (id_, signer.algorithm) and (check or OpenSSL())(
            key.algorithm, key.spki, content, signature
        ):
            return write_whole(folder / f"{last.number}.trust.{id_}.{signer.algorithm}.sig", signature)
    raise Failure(f"this is no {signer.algorithm} root key of `{id_}`, neither in trust file {before.number} nor here")


def latest(folder: Path) -> Trust:
    """The one with the highest number, whether it is signed or not. Raises Failure."""
    return read_trust(read_small(folder / f"{max(_numbers(folder))}.trust", LARGEST))


def first_number(folder: Path) -> int:
    return min(_numbers(folder))


def paper(trust: Trust) -> str:
    """A page to print, to be carried by another way than the medium."""
    digits = fingerprint(str(trust).encode()).split(" ")
    lines = [
        f"REDOUBT: FINGERPRINT OF TRUST FILE {trust.number} ({trust.product})",
        "",
        "  " + "  ".join(digits[:8]),
        "  " + "  ".join(digits[8:]),
        "",
        f"  made {write_moment(trust.created)}, good until {write_moment(trust.expires)}",
        "",
        *(
            f"  {role}: any {count} of {', '.join(sorted({key.id for key in trust.of(role)}))}"
            for role, count in sorted(trust.thresholds.items())
        ),
        "",
        *_files(trust),
        "Carry this page apart from the medium. On the isolated host, before anything else:",
        f"  sha256sum trust/{trust.number}.trust",
        "and compare all 64 digits. One that differs: stop, and ask the people named above by telephone.",
        "",
        "  compared by ______________________   on ______________   signature ______________________",
    ]
    return "".join(f"{line}\n" for line in lines)


def _files(trust: Trust) -> list[str]:
    """The sha256 of each file that the commands of START-HERE.txt are typed with."""
    named = {pem_name(key.role, key.id, key.algorithm): pem(key) for key in trust.of("app")}
    lines = [f"  {hashlib.sha256(named[name]).hexdigest()}  trust/{name}" for name in sorted(named)]
    return ["Typed by hand, the keys are these files (sha256):", *lines, ""] if lines else []


def _numbers(folder: Path) -> list[int]:
    numbers = [int(one.stem) for one in folder.glob("*.trust") if one.stem.isdigit()]
    if not numbers:
        raise Failure(f"`{folder}` holds no trust file; make one with `redoubt bundle trust make`")
    return numbers


def _save(folder: Path, trust: Trust) -> bytes:
    content = str(trust).encode()
    read_trust(content)
    write_whole(folder / f"{trust.number}.trust", content)
    return content
