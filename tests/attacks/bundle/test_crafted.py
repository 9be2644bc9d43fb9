"""Attacks made by hand, each named for its fault and refused with its own word and message.

Those on what is signed are signed properly by two ids, as if both signers had been fooled or had made a mistake.
"""

import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from offline.rules.lock import Pin, read_lock, write_lock
from offline.rules.names import SUMS
from offline.rules.refusal import Fault, Refused
from offline.rules.release import approval_line, check_approval, check_release
from offline.rules.trust import Trust
from offline.rules.verify import Asked, first_trust, follow, verify
from tests.fakes.bundle import (
    ALICE,
    BOB,
    CAROL,
    CREATED,
    EXPIRES,
    MALLORY,
    Holder,
    Release,
    asked,
    check,
    record_of,
    seal,
    sign,
    trust,
    wheel,
    zipped,
)
from tests.system.needs import missing

Attack = Callable[[Path], None]
RELEASE = Release()
MIB = 1024 * 1024
INFO = "evil-1.0.dist-info"
META = {f"{INFO}/METADATA": b"Name: evil\nVersion: 1.0\n", f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n"}


def refused(folder: Path, by: Trust | None = None, for_: Asked | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        check_release(folder, verify(folder, by or trust(), for_ or asked(), check).sums)
    return caught.value


def resealed(attack: Attack) -> Attack:
    """The attack, described in manifest.json and signed by two."""

    def then_seal(folder: Path) -> None:
        attack(folder)
        seal(folder, RELEASE.head)

    return then_seal


def evil(files: Mapping[str, bytes], tag: str = "py3-none-any") -> Attack:
    """A wheel of these members that everybody pinned, described and signed."""

    def plant(folder: Path) -> None:
        file = wheel(folder / "wheels", "evil", "1.0", files, tag)
        pin(folder, file)
        RELEASE.describe(folder)
        seal(folder, RELEASE.head)

    return plant


def second_wheel(name: str, version: str) -> Attack:
    def plant(folder: Path) -> None:
        wheel(folder / "wheels", name, version, {})
        RELEASE.describe(folder)
        seal(folder, RELEASE.head)

    return plant


def broken(content: Callable[[], bytes]) -> Attack:
    """Bytes in place of a wheel that manifest.json describes otherwise; signed."""

    def plant(folder: Path) -> None:
        file = folder / "wheels" / "alpha-1.0-py3-none-any.whl"
        file.write_bytes(content())
        file.rename(file.with_name("evil-1.0-py3-none-any.whl"))
        text = (folder / "manifest.json").read_text().replace("alpha-1.0-py3", "evil-1.0-py3")
        (folder / "manifest.json").write_text(text)
        seal(folder, RELEASE.head)

    return plant


def pin(folder: Path, file: Path) -> None:
    for lock in (folder / "locks").glob("*.txt"):
        kind, _, python = lock.stem.partition("-")
        mine = Pin("evil", "1.0", sha256(file.read_bytes()).hexdigest())
        lock.write_text(write_lock(kind, python, RELEASE.head.arch, [*read_lock(lock.read_text()), mine]))


def record(change: Callable[[bytes], bytes], files: Mapping[str, bytes] | None = None) -> Attack:
    """A RECORD that lies."""
    members = {**(files or {"evil.py": b"x = 1\n"}), **META}
    return broken(lambda: zipped({**members, f"{INFO}/RECORD": change(record_of(members, INFO))}))


def member(name: str, mode: int = 0, flags: int = 0) -> Attack:
    """A zip member of that name, with a RECORD that lists it."""

    def content() -> bytes:
        out = BytesIO()
        members = {**META, name: b"x"}
        with zipfile.ZipFile(out, "w") as archive:
            for path, inside in {**members, f"{INFO}/RECORD": record_of(members, INFO)}.items():
                info = zipfile.ZipInfo(path)
                info.filename = path
                info.external_attr = (mode if path == name else 0) << 16
                archive.writestr(info, inside)
        made = out.getvalue()
        if not flags:
            return made
        at = made.index(b"PK\x01\x02", made.index(b"PK\x01\x02") + 4)
        at = made.index(b"PK\x01\x02", at + 4)
        return made[: at + 8] + bytes([flags]) + made[at + 9 :]

    return broken(content)


def write(path: str, content: bytes) -> Attack:
    def add(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)

    return add


def lock_of(lines: bytes) -> Attack:
    return write("locks/serve-cp311.txt", b"# redoubt lock: serve, cp311, x86_64\n" + lines)


def locked(edit: Callable[[list[str]], list[str]]) -> Attack:
    """The lines of the serving environment's lock, edited; signed."""

    def spoil(folder: Path) -> None:
        lock = folder / "locks" / "serve-cp311.txt"
        lock.write_text("".join(edit(lock.read_text().splitlines(keepends=True))))

    return resealed(spoil)


def change(path: str, old: bytes, new: bytes) -> Attack:
    def edit(folder: Path) -> None:
        content = (folder / path).read_bytes()
        assert old in content
        (folder / path).write_bytes(content.replace(old, new, 1))

    return edit


def header(old: bytes, new: bytes) -> Attack:
    """A header that no builder writes, signed by two."""

    def edit(folder: Path) -> None:
        change(SUMS, old, new)(folder)
        for holder in (ALICE, BOB):
            for one in folder.glob(f"{SUMS}.{holder.id}.*"):
                one.unlink()
            sign(folder, holder, "ed25519")

    return edit


def signers_are(*by: tuple[Holder, str]) -> Attack:
    return lambda folder: void(seal(folder, RELEASE.head, by))


def void(_: object) -> None:
    """Of use where a builder returns something."""


def copied_signature(folder: Path) -> None:
    (folder / f"{SUMS}.bob.p384.sig").unlink()
    shutil.copyfile(folder / f"{SUMS}.alice.ed25519.sig", folder / f"{SUMS}.bob.ed25519.sig")


def doubled_member() -> bytes:
    members = {"evil.py": b"x", "evil/py": b"x", **META}
    made = zipped({**members, f"{INFO}/RECORD": record_of(members, INFO)})
    return made.replace(b"evil/py", b"evil.py")


def entry_point(name: str) -> bytes:
    return f"[console_scripts]\n{name} = evil:main\n".encode()


def two_programs(first: str, second: str, *, script: bool = False) -> Attack:
    """`alpha`, which is pinned everywhere, made anew with a program, and `evil` beside it with another."""

    def plant(folder: Path) -> None:
        old = sha256((folder / "wheels" / "alpha-1.0-py3-none-any.whl").read_bytes()).hexdigest()
        points = {"alpha-1.0.dist-info/entry_points.txt": entry_point(first)}
        file = wheel(folder / "wheels", "alpha", "1.0", points)
        for lock in (folder / "locks").glob("*.txt"):
            lock.write_text(lock.read_text().replace(old, sha256(file.read_bytes()).hexdigest()))
        own = {f"evil-1.0.data/scripts/{second}": b"#!python\n"}
        evil(own if script else {f"{INFO}/entry_points.txt": entry_point(second)})(folder)

    return plant


def bomb(real: int, said: int, members: int = 1) -> bytes:
    """A wheel of zeros, deflated, that says how large they are; RECORD and CRC agree with what it says."""
    pressed = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = b"".join(pressed.compress(bytes(min(MIB, real - at))) for at in range(0, real, MIB)) + pressed.flush()
    files = {f"evil{at}.py": bytes(min(said, real)) for at in range(members if real < MIB or said < MIB else 0)}
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        inside = {**files, **META}
        for path, content in {**inside, f"{INFO}/RECORD": record_of(inside, INFO)}.items():
            if path in META or path.endswith("RECORD"):
                archive.writestr(zipfile.ZipInfo(path), content)
        for at in range(members):
            info = zipfile.ZipInfo(f"evil{at}.py")
            archive.writestr(info, stream)
            info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, said
            info.CRC = zlib.crc32(bytes(min(said, real))) if said < 600 * MIB else 0
    return out.getvalue()


def device(folder: Path) -> None:
    try:
        os.mknod(folder / "docs" / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        missing("only root makes devices")


def mode(path: str, bits: int) -> Attack:
    return lambda folder: (folder / path).chmod(bits)


def set_id(folder: Path) -> None:
    (folder / "install.sh").chmod(0o4755)


def relink(target: str) -> Attack:
    def turn(folder: Path) -> None:
        (folder / "docs" / "operator-guide.md").unlink()
        (folder / "docs" / "operator-guide.md").symlink_to(target)

    return turn


GOOD = zipped({"evil.py": b"x", **META, f"{INFO}/RECORD": record_of({"evil.py": b"x", **META}, INFO)})
ATTACKS: dict[str, tuple[Attack, Fault, str]] = {
    # what runs at every start
    "planted .pth": (evil({"evil.pth": b"import os\n"}), Fault.STARTUP, "evil.pth"),
    "planted .start": (evil({"evil.start": b"os:abort\n"}), Fault.STARTUP, "evil.start"),
    "sitecustomize": (evil({"sitecustomize.py": b""}), Fault.STARTUP, "sitecustomize"),
    "usercustomize as a package": (evil({"usercustomize/__init__.py": b""}), Fault.STARTUP, "usercustomize"),
    ".pth by way of .data": (evil({"evil-1.0.data/purelib/e.pth": b""}), Fault.STARTUP, "e.pth"),
    ".pth laid loose in the medium": (write("wheels/evil.pth", b"import os"), Fault.UNLISTED, "evil.pth"),
    # dependency confusion
    "second wheel of a pinned name": (
        second_wheel("alpha", "9.9"),
        Fault.LOCK,
        "in no lock",
    ),
    "twin by another spelling of the name": (
        second_wheel("Al_pha", "1.0"),
        Fault.LOCK,
        "in no lock",
    ),
    "wheel that manifest.json does not name": (
        resealed(lambda folder: void(wheel(folder / "wheels", "zeta", "1.0", {}))),
        Fault.MANIFEST,
        "differ",
    ),
    "two wheels that install one path": (evil({"alpha/__init__.py": b"evil"}), Fault.WHEEL, "both install"),
    "lock without a hash": (
        resealed(lock_of(b"alpha==1.0\n")),
        Fault.LOCK,
        "expected `name==version",
    ),
    "lock with a URL": (
        resealed(lock_of(b"alpha @ https://example.test/a.whl\n")),
        Fault.LOCK,
        "expected `name==version",
    ),
    "lock with an index": (
        resealed(lock_of(b"--index-url https://example.test\n")),
        Fault.LOCK,
        "expected `name==version",
    ),
    "doubled pin": (
        resealed(lambda folder: doubled_pin(folder / "locks" / "serve-cp311.txt")),
        Fault.LOCK,
        "pinned twice",
    ),
    "lock without its first line": (locked(lambda lines: lines[1:]), Fault.LOCK, "first line"),
    "lock of another environment": (
        locked(lambda lines: [lines[0].replace("serve", "tools"), *lines[1:]]),
        Fault.LOCK,
        "another lock",
    ),
    "lock of another machine": (
        locked(lambda lines: [lines[0].replace("x86_64", "aarch64"), *lines[1:]]),
        Fault.LOCK,
        "another lock",
    ),
    "lock with a second comment": (locked(lambda lines: [*lines, "# more\n"]), Fault.LOCK, "expected `name==version"),
    "lock with a blank line": (locked(lambda lines: [*lines, "\n"]), Fault.LOCK, "expected `name==version"),
    "lock out of order": (locked(lambda lines: [lines[0], *reversed(lines[1:])]), Fault.LOCK, "one form"),
    "lock without its last newline": (locked(lambda lines: [*lines[:-1], lines[-1][:-1]]), Fault.LOCK, "one form"),
    "lock that pip reads on over two lines": (
        locked(lambda lines: [lines[0], lines[1].replace(" --hash", " \\\n--hash"), *lines[2:]]),
        Fault.LOCK,
        "expected `name==version",
    ),
    # programs
    "two wheels with one program": (two_programs("tool", "tool"), Fault.WHEEL, "both install `../bin/tool`"),
    "two wheels whose programs differ by case": (two_programs("tool", "Tool"), Fault.WHEEL, "both install"),
    "entry point of one wheel, script of another": (
        two_programs("tool", "tool", script=True),
        Fault.WHEEL,
        "both install `../bin/tool`",
    ),
    "one wheel with one program twice": (
        record(bytes, {f"{INFO}/entry_points.txt": entry_point("tool"), "evil-1.0.data/scripts/tool": b"#!x\n"}),
        Fault.WHEEL,
        "two programs under one name",
    ),
    "another wheel's `redoubt`": (evil({f"{INFO}/entry_points.txt": entry_point("redoubt")}), Fault.WHEEL, "our own"),
    "another wheel's `Redoubt-Installer` as a script": (
        evil({"evil-1.0.data/scripts/Redoubt-Installer": b"#!/bin/sh\n"}),
        Fault.WHEEL,
        "our own",
    ),
    # RECORD
    "RECORD with a wrong hash": (
        record(lambda old: re.sub(rb"evil\.py,sha256=.{4}", b"evil.py,sha256=AAAA", old)),
        Fault.RECORD,
        "not what its RECORD says",
    ),
    "RECORD without a member": (
        record(lambda old: old.split(b"\n", 1)[1]),
        Fault.RECORD,
        "does not list",
    ),
    "RECORD with a member that is not there": (record(lambda old: old + b"ghost.py,,\n"), Fault.RECORD, "not there"),
    "RECORD with a doubled line": (record(lambda old: old + b"evil.py,,\n"), Fault.RECORD, "doubled"),
    "RECORD with md5": (record(lambda old: old.replace(b"sha256=", b"md5=")), Fault.RECORD, "weaker"),
    "RECORD with an empty hash": (
        record(lambda old: re.sub(rb"evil\.py,[^,]*", b"evil.py,", old)),
        Fault.RECORD,
        "not what its RECORD says",
    ),
    "RECORD with an absolute path": (record(lambda old: old + b"/etc/passwd,,\n"), Fault.RECORD, "not there"),
    "RECORD that leaves": (record(lambda old: old + b"../../x,,\n"), Fault.RECORD, "not there"),
    # zip
    "wheel with data before it": (broken(lambda: b"#!/bin/sh\n" + GOOD), Fault.WHEEL, "before or behind"),
    "wheel with data behind it": (broken(lambda: GOOD + b"PAYLOAD" * 9), Fault.WHEEL, "before or behind"),
    "doubled member": (broken(doubled_member), Fault.WHEEL, "twice"),
    "members that differ by case": (member("evil-1.0.dist-info/metadata"), Fault.WHEEL, "twice"),
    "encrypted member": (member("secret.py", flags=1), Fault.WHEEL, "no plain file"),
    "symbolic link in a wheel": (member("evil.py", mode=0o120777), Fault.WHEEL, "no plain file"),
    "member that leaves": (member("../evil.py"), Fault.WHEEL, "leaves its place"),
    "absolute member": (member("/etc/evil"), Fault.WHEEL, "leaves its place"),
    "member with a backslash": (member("a\\evil.py"), Fault.WHEEL, "leaves its place"),
    "member on a drive": (member("c:/evil.py"), Fault.WHEEL, "leaves its place"),
    "member with a NUL in its name": (member("evil.py\0.txt"), Fault.WHEEL, "leaves its place"),
    "zip bomb that says so": (broken(lambda: bomb(600 * MIB, 600 * MIB)), Fault.SIZE, "629145600"),
    "zip bombs that say so together": (broken(lambda: bomb(300 * MIB, 300 * MIB, 8)), Fault.SIZE, "more than a wheel"),
    "zip bomb that says it is small": (broken(lambda: bomb(8 * MIB, 10)), Fault.WHEEL, "Bad CRC-32"),
    "member shorter than it says": (broken(lambda: bomb(10, 4000)), Fault.SIZE, "than it says"),
    "member with a new line": (member("evil\n.py"), Fault.WHEEL, "leaves its place"),
    "program beside python": (member("evil-1.0.data/data/bin/python"), Fault.WHEEL, "beside the environment"),
    "script that leaves": (member("evil-1.0.data/scripts/../../x"), Fault.WHEEL, "leaves its place"),
    "script named python": (member("evil-1.0.data/scripts/python"), Fault.WHEEL, "python"),
    "script named activate": (member("evil-1.0.data/scripts/activate"), Fault.WHEEL, "activate"),
    "entry point named python": (
        record(bytes, {f"{INFO}/entry_points.txt": b"[console_scripts]\npython3 = evil:main\n"}),
        Fault.WHEEL,
        "in place of",
    ),
    "entry point that leaves": (
        record(bytes, {f"{INFO}/entry_points.txt": b"[console_scripts]\n../../x = evil:main\n"}),
        Fault.WHEEL,
        "leaves its place",
    ),
    # platform
    "glibc above the floor": (evil({"e.py": b""}, "cp311-cp311-manylinux_2_34_x86_64"), Fault.PLATFORM, "2.28"),
    "musl": (evil({"e.py": b""}, "cp311-cp311-musllinux_1_2_x86_64"), Fault.PLATFORM, "musllinux"),
    "bare linux": (evil({"e.py": b""}, "cp311-cp311-linux_x86_64"), Fault.PLATFORM, "linux_x86_64"),
    "wheel of another machine": (evil({"e.py": b""}, "cp311-cp311-manylinux_2_28_aarch64"), Fault.PLATFORM, "aarch64"),
    # signers
    "one key signing twice": (signers_are((ALICE, "ed25519"), (ALICE, "p384")), Fault.THRESHOLD, "2 distinct"),
    "one signature under two ids": (copied_signature, Fault.SIGNATURE, "`bob` is not right"),
    "one signer of three": (signers_are((ALICE, "ed25519")), Fault.THRESHOLD, "alice"),
    "nobody signed": (signers_are(), Fault.THRESHOLD, "nobody"),
    "minisign counted as a second signer": (
        signers_are((ALICE, "ed25519"), (BOB, "minisig")),
        Fault.THRESHOLD,
        "signed: alice",
    ),
    "a stranger above the threshold": (
        signers_are((ALICE, "ed25519"), (BOB, "ed25519"), (MALLORY, "ed25519")),
        Fault.SIGNATURE,
        "mallory",
    ),
    "huge signature": (write(f"{SUMS}.carol.minisig", b"x" * 270_000), Fault.SIZE, "270000"),
    "minisign with another trusted comment": (
        change(f"{SUMS}.alice.minisig", b"trusted comment: redoubt", b"trusted comment: anything"),
        Fault.SIGNATURE,
        "minisig",
    ),
    "DSSE about another SHA256SUMS": (
        lambda folder: void(
            (folder / f"{SUMS}.bob.dsse.json").write_bytes(
                BOB.dsse(b"another\n", (folder / "provenance.json").read_bytes())
            )
        ),
        Fault.SIGNATURE,
        "dsse",
    ),
    # the header and SHA256SUMS
    "header with a field more": (header(b"min_from=0", b"min_from=0 extra=1"), Fault.HEADER, "no header"),
    "header with a carriage return": (header(b"min_from=0\n", b"min_from=0\r\n"), Fault.FORMAT, "newline"),
    "header with a line injected": (header(b" seq=7", b"\n# seq=7"), Fault.FORMAT, "line 2"),
    "another product": (header(b"product=redoubt", b"product=citadel"), Fault.PRODUCT, "citadel"),
    "another channel": (header(b"channel=app", b"channel=models"), Fault.CHANNEL, "models"),
    "another machine": (header(b"arch=x86_64", b"arch=aarch64"), Fault.ARCHITECTURE, "aarch64"),
    "path that leaves": (header(b"  docs/operator", b"  ../operator"), Fault.NAME, "may hold"),
    "absolute path": (header(b"  docs/operator", b"  /docs/operator"), Fault.NAME, "may hold"),
    "huge SHA256SUMS": (write(SUMS, b"x" * 4_200_000), Fault.SIZE, "4200000"),
    # the folder
    "hidden file": (write("docs/.hidden", b""), Fault.NAME, ".hidden"),
    "unlisted file": (write("docs/more.md", b""), Fault.UNLISTED, "more.md"),
    "unlisted empty folder": (lambda folder: (folder / "empty").mkdir(), Fault.UNLISTED, "empty"),
    "link to the outside": (relink("/etc/passwd"), Fault.KIND, "symbolic link"),
    "link to the same content": (relink("../START-HERE.txt"), Fault.KIND, "symbolic link"),
    "hard link": (lambda folder: os.link("/etc/passwd", folder / "x"), Fault.UNLISTED, "`x`"),
    "pipe": (lambda folder: os.mkfifo(folder / "pipe"), Fault.KIND, "neither"),
    "device": (device, Fault.KIND, "neither"),
    "setgid": (mode("verify.sh", 0o2755), Fault.MODE, "setgid"),
    "setgid folder": (mode("docs", 0o2755), Fault.MODE, "setgid"),
    "setuid": (set_id, Fault.MODE, "setuid"),
    # manifest and SBOM
    "manifest of another release": (
        resealed(change("manifest.json", b'"seq": 7', b'"seq": 8')),
        Fault.MANIFEST,
        "different releases",
    ),
    "manifest with a field more": (
        resealed(change("manifest.json", b'"arch"', b'"aaaa": 1,\n  "arch"')),
        Fault.MANIFEST,
        "`aaaa` is unknown",
    ),
    "SBOM of something else": (resealed(write("sbom/redoubt.cdx.json", b"{}\n")), Fault.MANIFEST, "cdx"),
}


def doubled_pin(lock: Path) -> None:
    lines = lock.read_text().splitlines(keepends=True)
    lock.write_text("".join([*lines, *lines[1:]]))


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused_with_its_own_word_and_message(name: str, bundle: Path) -> None:
    attack, fault, message = ATTACKS[name]

    attack(bundle)
    why = refused(bundle)

    assert (why.fault, message in why.message) == (fault, True), why


TIMES: dict[str, tuple[Asked, Fault]] = {
    "replayed old medium": (replace(asked(), seq=8), Fault.ROLLBACK),
    "expired": (replace(asked(), now=EXPIRES + timedelta(seconds=1)), Fault.EXPIRED),
    "expired by what the site knows, though the clock is dead": (
        replace(asked(), now=EXPIRES, known=EXPIRES + timedelta(hours=1)),
        Fault.EXPIRED,
    ),
    "clock behind": (replace(asked(), now=CREATED - timedelta(days=2)), Fault.CLOCK),
    "too far ahead": (replace(asked(), installed=-1), Fault.GAP),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_good_bundle_at_the_wrong_moment_is_refused(name: str, bundle: Path) -> None:
    for_, fault = TIMES[name]

    assert refused(bundle, for_=for_).fault == fault


def test_a_revoked_key_signs_no_more(bundle: Path) -> None:
    assert refused(bundle, by=replace(trust(ALICE, CAROL), number=2)).fault == Fault.SIGNATURE


def test_a_key_of_another_channel_signs_nothing_here(bundle: Path) -> None:
    keys = tuple(one for one in trust().keys if (one.role, one.id) != ("app", "bob"))

    assert refused(bundle, by=replace(trust(), keys=keys)).fault == Fault.SIGNATURE


def test_a_trust_file_that_is_not_on_the_paper_is_refused() -> None:
    with pytest.raises(Refused) as why:
        first_trust(str(trust(MALLORY, BOB, CAROL)).encode(), "0" * 64)
    assert why.value.fault == Fault.TRUST


def chain(folder: Path, following: Trust, *by: Holder) -> Path:
    content = str(following).encode()
    (folder / "2.trust").write_bytes(content)
    for one in by:
        (folder / f"2.trust.{one.id}.ed25519.sig").write_bytes(one.sign(content))
    return folder


@pytest.mark.parametrize(
    ("by", "fault"),
    [
        ((ALICE,), Fault.THRESHOLD),
        ((MALLORY,), Fault.SIGNATURE),
        ((ALICE, BOB, MALLORY), Fault.SIGNATURE),
        ((CAROL, MALLORY), Fault.SIGNATURE),
    ],
    ids=["too few", "a stranger alone", "a stranger above the threshold", "half a stranger"],
)
def test_a_broken_link_of_the_chain_of_trust_is_refused(by: tuple[Holder, ...], fault: Fault, tmp_path: Path) -> None:
    chain(tmp_path, trust(number=2), *by)

    with pytest.raises(Refused) as why:
        follow(trust(), tmp_path, check)

    assert why.value.fault == fault


def test_an_old_trust_file_under_a_new_name_is_refused(tmp_path: Path) -> None:
    chain(tmp_path, trust(), ALICE, BOB)

    with pytest.raises(Refused, match="does not follow"):
        follow(trust(), tmp_path, check)


@pytest.mark.parametrize(("reviewer", "sbom"), [(MALLORY, None), (CAROL, "0" * 64)], ids=["reviewer", "sbom"])
def test_an_approval_of_something_else_is_refused(reviewer: Holder, sbom: str | None, bundle: Path) -> None:
    sums = verify(bundle, trust(), asked(), check).sums
    signed = reviewer.sign(approval_line(sbom or sums.files["sbom/redoubt.cdx.json"]))
    (bundle / "APPROVAL.carol.ed25519.sig").write_bytes(signed)

    with pytest.raises(Refused) as why:
        check_approval(bundle, sums, CAROL.key("app"), check)

    assert why.value.fault == Fault.SIGNATURE
