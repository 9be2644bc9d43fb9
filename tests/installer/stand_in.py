"""A gateway in one file, for releases that install in milliseconds: a wheel's `appliance/cli/__main__.py`.

Keeps rows in two real databases, holds the real lock, and fails where the release's `fails.txt` says so.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
import time
from pathlib import Path

DATABASES = ("store", "ledger")


def data_of(config: Path) -> Path:
    found = re.search(r"^data: (.+)$", config.read_text(), re.MULTILINE)
    assert found is not None
    return Path(found[1])


def rows(data: Path, name: str) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(data / f"{name}.db", isolation_level=None))


def init(data: Path, _version: str, _words: list[str]) -> int:
    for name in DATABASES:
        with rows(data, name) as database:
            database.execute("create table rows (micros integer)")
    (data / "master.key").write_bytes(b"k" * 32)
    sys.stdout.write(json.dumps({"keys": [{"name": "admin", "role": "admin", "key": "rdt_stand_in"}]}))
    return 0


def spend(data: Path, _version: str, words: list[str]) -> int:
    with rows(data, "ledger") as database:
        if words:
            database.execute("insert into rows (micros) values (?)", (int(words[0]),))
        sys.stdout.write(f"{database.execute('select coalesce(sum(micros), 0) from rows').fetchone()[0]}\n")
    return 0


def db(data: Path, version: str, words: list[str]) -> int:
    column = "v" + version.replace(".", "_")
    for name in DATABASES:
        with rows(data, name) as database:
            there = [one[1] for one in database.execute("pragma table_info(rows)")]
            if words[0] == "migrate" and column not in there:
                database.execute(f"alter table rows add column {column} integer default 0")
    sys.stdout.write(json.dumps({"fits": True, "action": "none"}) if words[0] == "status" else "[]")
    return 0


def backup(data: Path, _version: str, words: list[str]) -> int:
    if words[0] == "create":
        Path(words[1]).mkdir()
        for name in DATABASES:
            with rows(data, name) as database, contextlib.closing(sqlite3.connect(f"{words[1]}/{name}.db")) as copy:
                database.backup(copy)
    if words[0] == "restore":
        for name in DATABASES:
            shutil.copy(Path(words[1]) / f"{name}.db", data / f"{name}.db")
    return 0


def serve(data: Path, version: str, _words: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    lock = os.open(data / "gateway.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    (data / "gateway.json").write_text(version)
    while True:
        signal.pause()


def smoke(data: Path, _version: str, words: list[str]) -> int:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        told = data / "gateway.json"
        if told.exists() and told.read_text() == words[words.index("--expect") + 1]:
            return 0
        time.sleep(0.02)
    sys.stderr.write("another release answers\n")
    return 1


VERBS = {"init": init, "spend": spend, "db": db, "backup": backup, "serve": serve, "smoke": smoke}


def main(words: list[str], version: str, fails: str) -> int:
    config = Path(words[1] if words[0] == "--config" else os.environ["REDOUBT_CONFIG"])
    verb, *rest = words[2:] if words[0] == "--config" else words
    if verb in fails.split():
        sys.stderr.write(f"{verb} fails, as this release was told to\n")
        return 1
    if verb not in VERBS:
        return 0
    return VERBS[verb](data_of(config), version, rest)


if __name__ == "__main__":
    here = Path(__file__).parent
    sys.exit(main(sys.argv[1:], (here / "version.txt").read_text(), (here / "fails.txt").read_text()))
