"""Ways to change a medium after it was signed. Each changes something, and none may be accepted."""

import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from offline.rules.names import SUMS

Mutation = Callable[[Path, random.Random], None]
INSTALLERS_OWN = (".minisig", ".dsse.json")  # forms that verify.sh sees and does not judge


def some(folder: Path, chance: random.Random, among: str = "*") -> Path:
    return chance.choice(sorted(one for one in folder.rglob(among) if one.is_file()))


def flip_a_bit(folder: Path, chance: random.Random) -> None:
    file = some(folder, chance)
    content = bytearray(file.read_bytes() or b"\0")
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def truncate(folder: Path, chance: random.Random) -> None:
    file = some(folder, chance)
    content = file.read_bytes()
    file.write_bytes(content[: chance.randrange(len(content))] if content else b"\0")


def append(folder: Path, chance: random.Random) -> None:
    with some(folder, chance).open("ab") as opened:
        opened.write(chance.randbytes(chance.randint(1, 40)))


def prepend(folder: Path, chance: random.Random) -> None:
    file = some(folder, chance)
    file.write_bytes(chance.randbytes(chance.randint(1, 40)) + file.read_bytes())


def add_a_file(folder: Path, chance: random.Random) -> None:
    name = chance.choice(
        ["x.pth", "sitecustomize.py", "pip.conf", ".hidden", "été", "a b", "-rf", "x\ny", "wheels.whl"]
    )
    (some(folder, chance).parent / name).write_bytes(b"import os; os.abort()\n")


def add_a_wheel(folder: Path, chance: random.Random) -> None:
    name = chance.choice(["alpha-1.0", "alpha-9.9", "Alpha-1.0", "evil-1.0"])
    shutil.copyfile(some(folder, chance, "*.whl"), folder / "wheels" / f"{name}-py2.py3-none-any.whl")


def delete(folder: Path, chance: random.Random) -> None:
    # A form that does not count may be taken away: 0009, "taking a surplus valid signature away"
    surplus = {one for form in INSTALLERS_OWN for one in folder.glob(f"{SUMS}.*{form}")}
    chance.choice(sorted(one for one in folder.rglob("*") if one.is_file() and one not in surplus)).unlink()


def rename(folder: Path, chance: random.Random) -> None:
    surplus = {one for form in INSTALLERS_OWN for one in folder.glob(f"{SUMS}.*{form}")}
    file = chance.choice(sorted(one for one in folder.rglob("*") if one.is_file() and one not in surplus))
    file.rename(
        file.with_name(chance.choice([f"{file.name}x", file.name.swapcase(), f"x{file.name}", f".{file.name}"]))
    )


def swap_two(folder: Path, chance: random.Random) -> None:
    first, second = chance.sample(sorted(one for one in folder.rglob("*") if one.is_file()), 2)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other if one != other else one + b"\n")
    second.write_bytes(one)


def link(folder: Path, chance: random.Random) -> None:
    file = some(folder, chance)
    target = chance.choice(["/etc/passwd", "/dev/zero", str(some(folder, chance)), "../..", "missing"])
    file.unlink()
    file.symlink_to(target)


def link_beside(folder: Path, chance: random.Random) -> None:
    (some(folder, chance).parent / "zz-link").symlink_to(some(folder, chance))


def hard_link(folder: Path, chance: random.Random) -> None:
    os.link(some(folder, chance), folder / "docs" / f"twin-{chance.randrange(99)}")


def folder_for_file(folder: Path, chance: random.Random) -> None:
    file = some(folder, chance)
    file.unlink()
    file.mkdir()


def empty_folder(folder: Path, chance: random.Random) -> None:
    (some(folder, chance).parent / chance.choice(["empty", ".git", "__pycache__"])).mkdir()


def pipe_or_socket(folder: Path, chance: random.Random) -> None:
    place = folder / chance.choice(["docs", "wheels"]) / "zz"
    if chance.random() < 0.5:
        os.mkfifo(place)
        return
    before = Path.cwd()
    os.chdir(place.parent)  # the name of a socket may be no longer than 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(place.name)
    finally:
        os.chdir(before)


def set_id(folder: Path, chance: random.Random) -> None:
    some(folder, chance).chmod(chance.choice([0o4755, 0o2755, 0o6755]))


def case_twin(folder: Path, chance: random.Random) -> None:
    file = some(folder, chance)
    file.with_name(file.name.swapcase()).write_bytes(file.read_bytes())


def edit_the_sums(folder: Path, chance: random.Random) -> None:
    file = folder / SUMS
    lines = file.read_bytes().splitlines(keepends=True)
    at = chance.randrange(len(lines))
    doings: list[Callable[[], object]] = [
        lambda: lines.insert(at, lines[at]),
        lambda: lines.pop(at),
        lambda: lines.append(b"0" * 64 + b"  zz/evil.pth\n"),
        lambda: lines.insert(1, lines.pop()),
        lambda: lines.__setitem__(at, lines[at].replace(b"\n", b"\r\n")),
        lambda: lines.__setitem__(at, lines[at].upper()),
        lambda: lines.insert(0, lines[0]),
    ]
    chance.choice(doings)()
    file.write_bytes(b"".join(lines))


def edit_the_header(folder: Path, chance: random.Random) -> None:
    file = folder / SUMS
    old, new = chance.choice(
        [
            (b"seq=7", b"seq=8"),
            (b"arch=x86_64", b"arch=any"),
            (b"channel=app", b"channel=models"),
            (b"expires=2027", b"expires=2099"),
            (b"version=0.1.0", b"version=0.1.1"),
            (b"min_from=0", b"min_from=1"),
            (b"product=redoubt", b"product=redoubt2"),
        ]
    )
    file.write_bytes(file.read_bytes().replace(old, new))


def hurt_a_signature(folder: Path, chance: random.Random) -> None:
    file = some(folder, chance, f"{SUMS}.*")
    content = file.read_bytes()
    others = sorted(one for one in folder.glob(f"{SUMS}.*") if one != file)
    file.write_bytes(
        chance.choice([content[:-1], content + b"\0", b"", content[::-1], others[chance.randrange(3)].read_bytes()])
    )


def another_ids_signature(folder: Path, chance: random.Random) -> None:
    file = some(folder, chance, f"{SUMS}.*.sig")
    id_ = chance.choice(["carol", "mallory", "root"])
    shutil.copyfile(file, folder / file.name.replace("alice", id_).replace("bob", id_))


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_a_bit,) * 5,
    *(truncate, append, prepend, add_a_file, add_a_wheel, delete, rename, swap_two, link, link_beside, hard_link),
    *(folder_for_file, empty_folder, pipe_or_socket, set_id, case_twin, edit_the_sums, edit_the_header),
    *(hurt_a_signature, another_ids_signature),
)
