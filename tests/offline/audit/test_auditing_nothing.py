"""Every way of having audited nothing is red."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from pip_audit._service import (  # type: ignore[import-untyped]  # pip-audit carries no types
    Dependency,
    ServiceError,
    SkippedDependency,
    VulnerabilityResult,
)

from offline.advisories.fault import BadAdvisories
from offline.advisories.snapshot import DATA, META
from offline.audit import run
from offline.audit.library import SnapshotService
from offline.audit.pins import MOST_LOCK, Demand, Native, of_environment, of_lock
from offline.audit.report import Report
from offline.audit.standing import Standing, pinned
from offline.audit.verdict import Verdict
from tests.offline.audit.subjects import audited, data, installed, lock, standing
from tests.offline.channel import ANN, NOW, Raw, advisory, again, channel, spoil


def by(folder: Path) -> Standing | BadAdvisories:
    """The data, or why it cannot be believed."""
    try:
        return standing(folder)
    except BadAdvisories as error:
        return error


def of(tmp_path: Path, *pins: str) -> Report:
    return audited([lock(tmp_path / "lock.txt", *pins)], data(tmp_path))


HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("sound @ https://files.example/sound-1.0-py3-none-any.whl " + HASH, "a URL with a name"),
        ("https://files.example/sound-1.0-py3-none-any.whl " + HASH, "a URL"),
        ("-e ./sound " + HASH, "an editable folder"),
        ("-r other.txt ", "another file"),
        ("--index-url https://index.example/simple ", "an option"),
        ("sound>=1.0 " + HASH, "a range"),
        ("sound " + HASH, "no version"),
        ("sound==1.* " + HASH, "a wildcard"),
        ("sound==not.a.version " + HASH, "no PEP 440 version"),
        ("sound===1.0 " + HASH, "arbitrary equality"),
        ("sound==1.0 --hash=md5:0123 ", "another hash"),
        ("sound==1.0 # no hash", "no hash"),
        ('sound==1.0 ; sys_platform == "win32" ' + HASH, "a marker that is false here"),
        ("sound==1.0 ; not a marker " + HASH, "a marker that does not read"),
    ],
)
def test_a_line_that_cannot_be_looked_up_is_incomplete(tmp_path: Path, line: str, why: str) -> None:
    report = of(tmp_path, "other==1.0", line)

    assert report.code is Verdict.INCOMPLETE, why
    assert report.counts.skipped >= 1


def test_a_marker_that_is_true_here_leaves_nothing_out(tmp_path: Path) -> None:
    report = of(tmp_path, f'sound==1.0 ; python_version >= "3.0" {HASH}')

    assert (report.code, report.counts.audited) == (Verdict.CLEAN, 1)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_empty_lock_is_incomplete(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock.txt").write_text(text)

    report = audited([of_lock(tmp_path / "lock.txt")], data(tmp_path))

    assert report.code is Verdict.INCOMPLETE
    assert "names no package" in report.reasons[0]


def test_a_lock_that_is_no_text_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_bytes(b"\xff\xfe" * 40)

    assert audited([tmp_path / "lock.txt"], data(tmp_path)).code is Verdict.INCOMPLETE


def test_a_lock_larger_than_any_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_bytes(f"sound==1.0 {HASH}\n".encode() + b"#" * MOST_LOCK)

    assert audited([tmp_path / "lock.txt"], data(tmp_path)).code is Verdict.INCOMPLETE


def test_no_lock_and_no_environment_is_incomplete(tmp_path: Path) -> None:
    assert audited([], data(tmp_path)).code is Verdict.INCOMPLETE


def test_a_missing_lock_is_no_silence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        of_lock(tmp_path / "none.txt")


def test_one_pin_twice_in_two_versions_is_incomplete(tmp_path: Path) -> None:
    assert of(tmp_path, "sound==1.0", "sound==2.0").code is Verdict.INCOMPLETE


def test_a_package_name_in_any_spelling_is_found(tmp_path: Path) -> None:
    given = data(tmp_path, advisory(package="leaky-name"))

    reports = [audited([lock(tmp_path / "l", f"{name}==1.0")], given) for name in ("Leaky_Name", "leaky.name")]

    assert [report.code for report in reports] == [Verdict.FINDINGS] * 2


def test_an_environment_with_nothing_in_it_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()

    assert audited([of_environment(tmp_path / "env")], data(tmp_path)).code is Verdict.INCOMPLETE


def environment(tmp_path: Path) -> Path:
    place = tmp_path / "env" / "lib" / "python3.11" / "site-packages"
    installed(place, "sound", "1.0")
    return place


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda place: installed(place, "lost", "1.0", record=False), id="no RECORD"),
        pytest.param(lambda place: installed(place, "sly", "1.0", said="other"), id="METADATA of another package"),
        pytest.param(lambda place: installed(place, "odd", "one"), id="no PEP 440 version"),
        pytest.param(lambda place: (place / "old.egg-info").mkdir(), id="an egg"),
        pytest.param(lambda place: (place / "far.egg-link").touch(), id="a link to an egg"),
        pytest.param(lambda place: (place / "empty-1.dist-info").mkdir(), id="an empty dist-info"),
        pytest.param(
            lambda place: (place / "sound-1.0.dist-info" / "METADATA").write_text("Name: sound\nVersion: 9\n"),
            id="METADATA that RECORD does not vouch for",
        ),
    ],
)
def test_a_package_that_cannot_be_named_makes_an_environment_incomplete(
    tmp_path: Path, spoilt: Callable[[Path], object]
) -> None:
    spoilt(environment(tmp_path))

    report = audited([of_environment(tmp_path / "env")], data(tmp_path))

    assert report.code is Verdict.INCOMPLETE
    assert report.counts.skipped == 1


def test_a_native_library_of_a_database_that_is_not_here_is_incomplete(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "l", "sound==1")], data(tmp_path), natives=[Native("openssl", "4.0", "OSS-Fuzz")])

    assert report.code is Verdict.INCOMPLETE


def test_a_native_version_that_no_range_can_place_is_incomplete(tmp_path: Path) -> None:
    told = advisory("OSV-2026-1", "openssl")
    told["affected"][0] = {
        "package": {"ecosystem": "OSS-Fuzz", "name": "openssl"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0"}, {"fixed": "2.0"}]}],
    }
    given = data(tmp_path, advisory(), told, ecosystems=frozenset({"PyPI", "OSS-Fuzz"}))

    report = audited([lock(tmp_path / "l", "sound==1")], given, natives=[Native("openssl", "1.1.1w", "OSS-Fuzz")])

    assert report.code is Verdict.INCOMPLETE


def _rename(data: Raw) -> None:
    data["PyPI"]["Leaky"] = data["PyPI"].pop("leaky")


def _elsewhere(data: Raw) -> None:
    data["PyPI"]["other"] = data["PyPI"].pop("leaky")


def _no_python(data: Raw) -> None:
    record = data.pop("PyPI")["leaky"][0]
    record["affected"][0]["package"]["ecosystem"] = "Hex"
    data["Hex"] = {"leaky": [record]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda data: data.clear(), None, id="no advisory"),
        pytest.param(lambda data: data["PyPI"].clear(), None, id="no package"),
        pytest.param(lambda data: data["PyPI"]["leaky"].clear(), None, id="a package without records"),
        pytest.param(lambda data: data["PyPI"]["leaky"][0].pop("id"), None, id="a record without id"),
        pytest.param(lambda data: data["PyPI"]["leaky"][0].pop("modified"), None, id="a record without moment"),
        pytest.param(_rename, None, id="a package name that is not normalised"),
        pytest.param(_elsewhere, None, id="a record under a package it does not name"),
        pytest.param(_no_python, lambda meta: meta.update(ecosystems=["Hex"]), id="nothing of PyPI"),
        pytest.param(lambda data: None, lambda meta: meta["counts"].update(records=2), id="fewer records than said"),
        pytest.param(lambda data: None, lambda meta: meta.update(data_sha256="0" * 64), id="another hash than said"),
        pytest.param(
            lambda data: None, lambda meta: meta.update(max_modified="2026-11-22T00:00:00Z"), id="younger than it is"
        ),
        pytest.param(lambda data: None, lambda meta: meta.update(format="else v1"), id="another format"),
        pytest.param(lambda data: None, lambda meta: meta.update(seq=2), id="another number than signed"),
    ],
)
def test_signed_data_that_contradicts_itself_is_bad(
    tmp_path: Path, change: Callable[[Raw], None], said: Callable[[Raw], None] | None
) -> None:
    folder = spoil(channel(tmp_path / "advisories"), change, said=said)

    report = audited([lock(tmp_path / "l", "sound==1.0")], by(folder))

    assert report.code is Verdict.BAD_DATA, report.reasons


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda folder: (folder / DATA).unlink(), id="no data"),
        pytest.param(lambda folder: (folder / META).unlink(), id="no description"),
        pytest.param(lambda folder: (folder / DATA).write_bytes(b""), id="an empty file"),
        pytest.param(lambda folder: (folder / DATA).write_bytes((folder / DATA).read_bytes()[:-9]), id="a cut gzip"),
        pytest.param(lambda folder: (folder / DATA).write_bytes(b"{}"), id="no gzip"),
        pytest.param(lambda folder: (folder / META).write_text("{"), id="half a description"),
        pytest.param(lambda folder: (folder / META).write_text("[" * 9999), id="a deep description"),
    ],
)
def test_signed_data_that_does_not_read_is_bad(tmp_path: Path, change: Callable[[Path], object]) -> None:
    folder = channel(tmp_path / "advisories")
    change(folder)

    report = audited([lock(tmp_path / "l", "sound==1.0")], by(again(folder)))

    assert report.code is Verdict.BAD_DATA, report.reasons
    assert report.data is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda folder: (folder / "SHA256SUMS.cara.ed25519.sig").unlink(), id="unsigned"),
        pytest.param(lambda folder: (folder / "SHA256SUMS").unlink(), id="no sums"),
        pytest.param(ANN.sign, id="signed by somebody of another channel"),
        pytest.param(lambda folder: (folder / "more.txt").touch(), id="an unlisted file"),
        pytest.param(lambda folder: (folder / DATA).write_bytes((folder / DATA).read_bytes() + b"\0"), id="a byte"),
        pytest.param(shutil.rmtree, id="no folder"),
    ],
)
def test_data_that_nobody_vouches_for_is_bad(tmp_path: Path, change: Callable[[Path], object]) -> None:
    folder = channel(tmp_path / "advisories")
    change(folder)

    report = audited([lock(tmp_path / "l", "sound==1.0")], by(folder))

    assert report.code is Verdict.BAD_DATA


def test_a_folder_of_another_channel_is_bad(tmp_path: Path) -> None:
    folder = channel(tmp_path / "advisories", signer=None)
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("channel=advisories", "channel=models"))

    with pytest.raises(BadAdvisories, match="of the channel `models`"):
        pinned(folder, hashlib.sha256(sums.read_bytes()).hexdigest())


@pytest.mark.parametrize("name", [DATA, META])
def test_data_that_changes_between_hash_and_reading_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = channel(tmp_path / "advisories")
    other = channel(tmp_path / "other", advisory(package="harmless"))

    def swap(*args: object) -> None:
        shutil.copyfile(other / DATA, folder / DATA)
        if name == META:
            shutil.copyfile(other / META, folder / META)

    monkeypatch.setattr("offline.rules.verify.check_hashes", swap)

    assert audited([lock(tmp_path / "l", "sound==1.0")], by(folder)).code is Verdict.BAD_DATA


def test_data_may_be_named_by_hash_instead_of_signed(tmp_path: Path) -> None:
    folder = channel(tmp_path / "advisories", signer=None)
    sha256 = hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()

    assert pinned(folder, sha256).by == ("pinned by hash",)
    with pytest.raises(BadAdvisories, match="not the one given"):
        pinned(folder, "0" * 64)


def test_data_made_after_now_is_bad(tmp_path: Path) -> None:
    report = audited([lock(tmp_path / "l", "sound==1.0")], data(tmp_path), now=NOW - timedelta(days=10))

    assert report.code is Verdict.BAD_DATA


class Failing(SnapshotService):
    """A service that is down."""

    def query(self, spec: Dependency) -> tuple[Dependency, list[VulnerabilityResult]]:
        raise ServiceError("no answer")


def test_a_service_that_fails_is_internal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SnapshotService", Failing)

    report = of(tmp_path, "sound==1.0")

    assert report.code is Verdict.INTERNAL
    assert "no answer" in report.reasons[0]


class Silent(SnapshotService):
    """A service that leaves packages out."""

    def query_all(self, specs: Iterator[Dependency]) -> Iterator[tuple[Dependency, list[VulnerabilityResult]]]:
        return iter(())


class Skipping(SnapshotService):
    """A service that skips what it does not know, as pip-audit's default one does behind a mirror."""

    def query(self, spec: Dependency) -> tuple[Dependency, list[VulnerabilityResult]]:
        return SkippedDependency(name="sound", skip_reason="not found on the index"), []


@pytest.mark.parametrize("service", [Silent, Skipping])
def test_a_service_that_answers_for_nothing_is_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: type[SnapshotService]
) -> None:
    monkeypatch.setattr(run, "SnapshotService", service)

    report = of(tmp_path, "sound==1.0")

    assert (report.code, report.counts.audited) == (Verdict.INCOMPLETE, 0)


def test_what_is_audited_is_what_was_hashed(tmp_path: Path) -> None:
    file = lock(tmp_path / "lock.txt", "leaky==1.0")
    demand: Demand = of_lock(file)
    lock(file, "sound==1.0")

    report = audited([demand], data(tmp_path))

    assert [finding.package for finding in report.findings] == ["leaky"]


def test_a_report_is_plain_json(tmp_path: Path) -> None:
    told = json.loads(msgspec.json.encode(of(tmp_path, "sound==1.0")))

    assert {"verdict", "exit_code", "data", "counts", "subjects", "findings"} <= told.keys()
