"""Verbs on a small site: what they change, what they refuse, what they leave behind."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest

from installer import overlays
from installer.failure import Failed
from installer.installed import read_installed
from installer.journal import Journal
from installer.medium import take
from installer.preflight import look
from installer.standing import findings
from installer.verbs.asking import status, verify_installed
from offline.pack import known_of, pack
from offline.rules.refusal import Fault, Refused
from tests.fakes.bundle import ALICE, BOB, CAROL, MALLORY, check, header, seal, trust, write_tree
from tests.installer.fakes import FakeService, House
from tests.installer.house import FINGERPRINT, small

Site = Callable[..., House]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A trial site of release 0.1.0."""
    made = House.at(tmp_path / "site")
    made.run("install", str(small().write(tmp_path / "first")), "--fingerprint", FINGERPRINT, "--trial")
    made.spend(77)
    return made


def serving(house: House) -> str:
    release = house.layout.serving()
    return release.id if release else ""


def test_an_upgrade_and_a_rollback_keep_every_row(house: House, tmp_path: Path) -> None:
    old = serving(house)

    house.run("upgrade", str(small("0.2.0", 8).write(tmp_path / "second")))
    house.spend(23)
    assert serving(house).startswith("0.2.0-")
    house.run("rollback")

    assert serving(house) == old == house.service.serves()
    assert house.spent() == 100
    assert findings(house.layout, house.layout.release(old), check) == []


def test_a_medium_of_a_release_that_is_kept_says_how_to_go_to_it(house: House, tmp_path: Path) -> None:
    serving(house)
    medium = str(small("0.2.0", 8).write(tmp_path / "second"))
    house.run("upgrade", medium)
    with pytest.raises(Failed, match="there is nothing to do"):
        house.run("upgrade", medium)
    house.run("rollback")

    with pytest.raises(Failed, match=r"go to it with `rollback --to 0\.2\.0-"):
        house.run("upgrade", medium)


@pytest.mark.parametrize("verb", ["smoke", "db", "backup", "audit"])
def test_an_upgrade_that_fails_returns_to_the_old_release_by_itself(house: House, tmp_path: Path, verb: str) -> None:
    old = serving(house)
    if verb == "backup":  # the old release makes it
        (next(house.layout.release(old).folder.glob("serve/lib/*/*/appliance/cli/fails.txt"))).write_text("backup")

    with pytest.raises(Failed):
        house.run("upgrade", str(small("0.2.0", 8, fails=verb).write(tmp_path / "second")))

    assert serving(house) == old == house.service.serves()
    assert [one.id for one in house.layout.kept()] == [old]
    assert house.spent() == 77
    assert Journal(house.layout.journal).unfinished() is None


def test_a_lower_number_is_refused_even_after_a_rollback(house: House, tmp_path: Path) -> None:
    house.run("upgrade", str(small("0.2.0", 9).write(tmp_path / "second")))
    house.run("rollback")

    with pytest.raises(Refused) as refused:
        house.run("upgrade", str(small("0.1.9", 8).write(tmp_path / "between")))

    assert refused.value.fault is Fault.ROLLBACK


def test_a_lower_number_is_taken_with_a_token_of_two_about_this_very_medium(house: House, tmp_path: Path) -> None:
    older = small("0.0.9", 6).write(tmp_path / "older")
    line = f"redoubt-downgrade v1 sums-sha256={hashlib.sha256((older / 'SHA256SUMS').read_bytes()).hexdigest()}\n"
    token = tmp_path / "token"
    write_tree(token, {"DOWNGRADE": line.encode(), "DOWNGRADE.alice.ed25519.sig": ALICE.sign(line.encode())})

    with pytest.raises(Refused) as refused:
        house.run("upgrade", str(older), "--downgrade-token", str(token))
    assert refused.value.fault is Fault.THRESHOLD
    write_tree(token, {"DOWNGRADE.bob.ed25519.sig": BOB.sign(line.encode())})
    house.run("upgrade", str(older), "--downgrade-token", str(token))

    assert serving(house).startswith("0.0.9-")
    receipts = [json.loads(one.read_text()) for one in house.layout.receipts.glob("*.json")]
    assert ["alice", "bob"] in [one.get("downgrade_by") for one in receipts]


def test_a_release_too_far_ahead_is_refused(house: House, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        house.run("upgrade", str(small("0.9.0", 20, min_from=15).write(tmp_path / "far")))

    assert refused.value.fault is Fault.GAP


def test_a_site_that_believes_nobody_wants_the_paper(tmp_path: Path) -> None:
    house, medium = House.at(tmp_path / "site"), str(small().write(tmp_path / "medium"))

    for words in ((), ("--fingerprint", "0" * 64)):
        with pytest.raises(Refused) as refused:
            house.run("install", medium, *words, "--trial")
        assert refused.value.fault is Fault.TRUST


def test_an_approval_is_a_condition_for_good(tmp_path: Path) -> None:
    house, first = House.at(tmp_path / "site"), small().write(tmp_path / "first")
    key = tmp_path / "mallory.pem"
    key.write_bytes(MALLORY.pem("ed25519"))
    words = ("install", str(first), "--fingerprint", FINGERPRINT, "--trial", "--require-approval", str(key))

    with pytest.raises(Refused) as refused:
        house.run(*words)
    assert refused.value.fault is Fault.APPROVAL
    sbom = hashlib.sha256((first / "sbom/redoubt.cdx.json").read_bytes()).hexdigest()
    line = f"redoubt-approval v1 sbom-sha256={sbom}\n".encode()
    (first / "APPROVAL.mallory.ed25519.sig").write_bytes(MALLORY.sign(line))
    house.run(*words)

    with pytest.raises(Refused) as again:
        house.run("upgrade", str(small("0.2.0", 8).write(tmp_path / "second")))
    assert again.value.fault is Fault.APPROVAL


def test_an_approval_that_nobody_asked_for_is_refused(tmp_path: Path) -> None:
    house, first = House.at(tmp_path / "site"), small().write(tmp_path / "first")
    (first / "APPROVAL.mallory.ed25519.sig").write_bytes(b"x" * 64)

    with pytest.raises(Refused) as refused:
        house.run("install", str(first), "--fingerprint", FINGERPRINT, "--trial")

    assert refused.value.fault is Fault.APPROVAL


def test_a_medium_that_changes_while_it_is_verified_installs_what_was_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, medium = House.at(tmp_path / "site"), small().write(tmp_path / "medium")

    def copied_then_swapped(source: Path, target: Path, *more: object) -> None:
        take(source, target, *more)  # type: ignore[arg-type]  # handed on as it came
        (source / "wheels/alpha-1.0-py3-none-any.whl").write_bytes(b"evil")

    monkeypatch.setattr("installer.steps.stage.take", copied_then_swapped)
    house.run("install", str(medium), "--fingerprint", FINGERPRINT, "--trial")

    assert findings(house.layout, house.layout.release(serving(house)), check) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("serve/lib/{python}/site-packages/alpha/__init__.py", "changed"),
        ("serve/lib/{python}/site-packages/evil.pth", "unknown"),
        ("serve/lib/{python}/site-packages/sitecustomize.py", "unknown"),
        ("serve/bin/evil", "unknown"),
        ("bundle/docs/operator-guide.md", "changed"),
        ("bundle/evil.txt", "unknown"),
        ("files.sha256", "files.sha256"),
        ("receipt.json", "changed"),
    ],
)
def test_a_changed_or_unknown_file_is_named(house: House, path: str, said: str) -> None:
    release = house.layout.release(serving(house))
    python = next((release.folder / "serve/lib").iterdir()).name
    file = release.folder / path.format(python=python)
    file.write_bytes(file.read_bytes() + b" " if file.exists() else b"import os\n")

    found = findings(house.layout, release, check)

    assert any(said in line for line in found), found


def test_a_forged_inventory_does_not_hide_a_changed_file(house: House) -> None:
    """Even with `files.sha256` and the receipt written anew, the signed wheels say what belongs there."""
    release = house.layout.release(serving(house))
    python = next((release.folder / "serve/lib").iterdir()).name
    path = f"serve/lib/{python}/site-packages/alpha/__init__.py"
    (release.folder / path).unlink()
    (release.folder / path).write_bytes(b"VALUE = 2\n")
    lines = [line for line in release.inventory.read_text().splitlines() if not line.endswith(f"  {path}")]
    sha256 = hashlib.sha256((release.folder / path).read_bytes()).hexdigest()
    forged = "".join(f"{line}\n" for line in [*lines, f"{sha256}  {path}"])
    release.inventory.write_text(forged)
    receipt = json.loads(release.receipt.read_text())
    anew = json.dumps({**receipt, "files_sha256": hashlib.sha256(forged.encode()).hexdigest()})
    release.receipt.write_text(anew)
    (house.layout.receipts / f"{receipt['operation']}.json").write_text(anew)

    assert f"changed: {path} is not what its wheel brings" in findings(house.layout, release, check)


def test_production_refuses_to_start_on_a_changed_file_and_a_trial_says_so(house: House) -> None:
    release = house.layout.release(serving(house))
    (release.folder / "serve/evil.txt").write_text("x")
    asked = house.asked("verify-installed", "--at-start", "--json")

    with redirect_stdout(io.StringIO()):
        assert verify_installed(asked, house.layout, house.means()) == 0
        told = json.loads(house.layout.site.read_text())
        house.layout.site.write_text(json.dumps({**told, "mode": "production"}))
        assert verify_installed(asked, house.layout, house.means()) == 1


def test_an_update_that_carries_only_what_is_new_is_rebuilt_from_the_store(house: House, tmp_path: Path) -> None:
    second = small("0.2.0", 8).write(tmp_path / "redoubt-0.2.0-x86_64")
    packed = pack(second, tmp_path / "out", known_of(tmp_path / "first"))

    house.run("upgrade", str(packed.file))

    assert serving(house).startswith("0.2.0-")
    assert packed.file.suffix == ".gwd"
    assert findings(house.layout, house.layout.release(serving(house)), check) == []


def test_purge_leaves_not_one_file(tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    house = House.at(tmp_path / "site")
    medium = small().write(tmp_path / "medium")
    house.run("install", str(medium), "--fingerprint", FINGERPRINT, "--trial")
    house.service.changes.write_text("a drop-in")

    house.run("uninstall", "--purge", "--yes")

    assert sorted(one for one in tmp_path.iterdir() if one != medium) == before


def test_keep_data_keeps_rows_and_trust_and_a_new_install_takes_them_up(house: House, tmp_path: Path) -> None:
    house.service.changes.write_text("a drop-in")

    house.run("uninstall", "--keep-data", "--yes")
    assert serving(house) == ""
    assert house.spent() == 77
    assert house.service.changes.read_text() == "a drop-in"

    with pytest.raises(Refused):  # what it has seen, it has seen
        house.run("install", str(small("0.0.9", 6).write(tmp_path / "older")), "--trial")
    house.run("install", str(small("0.2.0", 8).write(tmp_path / "second")), "--trial")

    assert house.spent() == 77
    assert serving(house).startswith("0.2.0-")


def test_a_release_is_held_against_its_receipt_at_its_very_first_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd asks `verify-installed` before it starts anything, also when it is an installer that asks it to."""
    house = House.at(tmp_path / "site")
    before: list[list[str]] = []
    start = FakeService.start

    def asking_first(service: FakeService) -> None:
        release = service.layout.serving()
        assert release is not None
        before.append(findings(service.layout, release, check))
        start(service)

    monkeypatch.setattr(FakeService, "start", asking_first)

    house.run("install", str(small().write(tmp_path / "first")), "--fingerprint", FINGERPRINT)
    house.run("upgrade", str(small("0.2.0", 8).write(tmp_path / "second")))

    assert before == [[], []]


def test_receipts_are_a_chain_and_a_changed_one_breaks_it(house: House, tmp_path: Path) -> None:
    house.run("upgrade", str(small("0.2.0", 8).write(tmp_path / "second")))
    asked = house.asked("status", "--json")
    out = io.StringIO()
    with redirect_stdout(out):
        assert status(asked, house.layout, house.means()) == 0
    first = min(house.layout.receipts.glob("*.json"))
    first.write_text(first.read_text().replace("alice", "carol"))

    with redirect_stdout(io.StringIO()):
        assert status(asked, house.layout, house.means()) == 1
    assert json.loads(out.getvalue())["rollback_to"].startswith("0.1.0-")


def test_the_room_for_an_update_is_that_of_the_whole_bundle_it_becomes(house: House, tmp_path: Path) -> None:
    release = house.layout.serving()
    assert release is not None
    (tmp_path / "update.gwd").write_bytes(b"small")
    with (release.bundle / "large").open("wb") as large:
        large.truncate(shutil.disk_usage(tmp_path).free)  # sparse

    found = look(house.layout, tmp_path / "update.gwd", {})

    assert [one.level for one in found if one.about == "disk"] == ["fail"]


def test_a_receipt_that_cannot_be_read_is_one_finding_and_no_end_of_the_program(house: House) -> None:
    [first] = house.layout.receipts.glob("*.json")
    first.write_bytes(first.read_bytes()[:-40])

    with redirect_stdout(io.StringIO()) as out:
        assert status(house.asked("status", "--json"), house.layout, house.means()) == 1

    assert json.loads(out.getvalue())["receipts_broken"] == [f"`{first.name}` does not follow the receipt before it"]


def test_an_overlay_signed_by_the_site_is_added_listed_and_watched(house: House, tmp_path: Path) -> None:
    site = trust(CAROL, roles={"root": 1, "overlay": 1}, product="redoubt-site")
    folder = tmp_path / "adapter"
    write_tree(folder, {"files/adapter.py": b"VALUE = 1\n", "trust/1.trust": str(site).encode()})
    head = replace(header("overlay", seq=1, version="acme-adapter-1.2.0"), arch="any")
    seal(folder, head, ((CAROL, "ed25519"),))
    paper = ("", hashlib.sha256(str(site).encode()).hexdigest())

    with pytest.raises(Refused):
        overlays.add(house.layout, house.means(), folder, ("", "0" * 64))
    made = overlays.add(house.layout, house.means(), folder, paper)

    assert [one["name"] for one in overlays.listed(house.layout)] == ["acme-adapter"]
    assert findings(house.layout, house.layout.release(serving(house)), check) == []
    (made.folder / "files/adapter.py").write_bytes(b"VALUE = 2\n")
    assert len(findings(house.layout, house.layout.release(serving(house)), check)) == 1
    overlays.remove(house.layout, "acme-adapter")
    assert overlays.listed(house.layout) == []


def test_a_dry_run_changes_nothing(house: House, tmp_path: Path) -> None:
    def told() -> list[tuple[str, int]]:
        return sorted((str(one), os.lstat(one).st_mtime_ns) for one in house.layout.prefix.rglob("*"))

    before, out = told(), io.StringIO()
    with redirect_stdout(out):
        house.run("upgrade", str(small("0.2.0", 8).write(tmp_path / "second")), "--dry-run")

    assert json.loads(out.getvalue())["version"] == "0.2.0"
    assert [one for one in told() if not one[0].endswith("/staging")] == before
    assert read_installed(house.layout).version == "0.1.0"
