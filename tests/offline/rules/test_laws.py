"""What `write` writes, `read` reads the same; and what `write` would not have written, `read` refuses."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.rules.lock import Pin, read_lock, write_lock
from offline.rules.manifest import read_manifest, write_manifest
from offline.rules.refusal import Refused
from offline.rules.sums import CHANNELS, Header, read_header, read_sums, write_sums
from offline.rules.trust import read_trust
from tests.fakes.bundle import Release, trust

HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
PATHS = st.from_regex(r"[A-Za-z0-9_+][A-Za-z0-9._+-]{0,8}(/[A-Za-z0-9_+][A-Za-z0-9._+-]{0,8}){0,3}", fullmatch=True)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001 -- made aware at once
HEADERS = st.builds(
    lambda channel, version, seq, created, days, least: Header(
        channel=channel,
        version=version,
        arch="any",
        seq=seq,
        created=created,
        expires=created + timedelta(days=days),
        min_from=least,
    ),
    st.sampled_from(CHANNELS),
    st.from_regex(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,20}", fullmatch=True),
    st.integers(0, 10**10 - 1),
    MOMENTS,
    st.integers(1, 5000),
    st.integers(0, 10**10 - 1),
)
FILES = st.dictionaries(PATHS, HASHES, min_size=1, max_size=8)
PINS = st.lists(
    st.builds(
        Pin,
        st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True).filter(lambda name: "--" not in name),
        st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}", fullmatch=True),
        HASHES,
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda pin: pin.name,
)
EDITS = st.tuples(st.integers(0, 10**6), st.sampled_from(["drop", "double", "put"]), st.binary(min_size=1, max_size=1))


def edited(content: bytes, edit: tuple[int, str, bytes]) -> bytes:
    at, how, byte = edit[0] % len(content), edit[1], edit[2]
    middle = {"drop": b"", "double": content[at : at + 1] * 2, "put": byte}[how]
    return content[:at] + middle + content[at + 1 :]


@given(HEADERS)
def test_a_header_reads_as_it_was_written(head: Header) -> None:
    assert read_header(str(head)) == head


@given(HEADERS, FILES)
def test_sums_read_as_they_were_written(head: Header, files: dict[str, str]) -> None:
    read = read_sums(write_sums(head, files))

    assert (read.header, dict(read.files)) == (head, files)


@given(HEADERS, FILES, EDITS)
def test_sums_that_read_at_all_are_in_the_one_form(
    head: Header, files: dict[str, str], edit: tuple[int, str, bytes]
) -> None:
    content = edited(write_sums(head, files), edit)

    with suppress(Refused):
        read = read_sums(content)
        assert write_sums(read.header, read.files) == content


@given(EDITS)
def test_a_trust_file_that_reads_at_all_is_in_the_one_form(edit: tuple[int, str, bytes]) -> None:
    content = edited(str(trust()).encode(), edit)

    with suppress(Refused):
        assert str(read_trust(content)).encode() == content


@given(st.integers(1, 999_999))
def test_a_trust_file_reads_as_it_was_written(number: int) -> None:
    made = replace(trust(), number=number)

    assert read_trust(str(made).encode()) == made


@given(PINS)
def test_a_lock_reads_as_it_was_written(pins: list[Pin]) -> None:
    assert read_lock(write_lock("serve", "cp311", "x86_64", pins)) == sorted(pins)


@given(PINS, EDITS)
def test_a_lock_that_reads_at_all_is_in_the_one_form(pins: list[Pin], edit: tuple[int, str, bytes]) -> None:
    text = edited(write_lock("serve", "cp311", "x86_64", pins).encode(), edit).decode("latin-1")

    with suppress(Refused):
        read = read_lock(text)
        kind, python, arch = text.partition("\n")[0].removeprefix("# redoubt lock: ").split(", ")
        assert write_lock(kind, python, arch, read) == text


def test_every_lock_of_this_tree_is_in_the_one_form() -> None:
    locks = sorted((Path(__file__).parents[3] / "offline" / "locks").glob("*.txt"))

    assert len(locks) == 24
    for lock in locks:
        kind, python, arch = lock.stem.split("-")
        assert write_lock(kind, python, arch, read_lock(lock.read_text())) == lock.read_text(), lock.name


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return (Release().write(tmp_path_factory.mktemp("laws") / "b") / "manifest.json").read_bytes()


@given(EDITS)
def test_a_manifest_that_reads_at_all_is_in_the_one_form(manifest: bytes, edit: tuple[int, str, bytes]) -> None:
    content = edited(manifest, edit)

    assert write_manifest(read_manifest(manifest)) == manifest
    with suppress(Refused):
        assert write_manifest(read_manifest(content)) == content
