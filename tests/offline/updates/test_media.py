"""Media of updates: what a site takes, and every way in which it must not."""

import fcntl
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import DelegatedRole, Delegations, TargetFile, Targets

from offline.updates.client import BEFORE, fetch, named
from offline.updates.fault import Fault, UpdateRefused
from offline.updates.medium import add, create, rotate, seal, sign
from offline.updates.metadata import read
from tests.offline.channel import NOW
from tests.offline.updates.media import DAY, Keys, Sender, change, holder, holders, p384


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path)


def refused(work: Callable[[], object]) -> UpdateRefused:
    with pytest.raises(UpdateRefused) as told:
        work()
    return told.value


def test_a_site_finds_and_fetches_what_was_put_on_a_medium(sender: Sender) -> None:
    sender.ship("redoubt-1.tar")
    sender.ship("advisories-7.tar", "advisories")

    found = sender.look()
    file = fetch(found, named(found, "app/redoubt-1.tar"), sender.tmp_path / "fetched")

    assert [(one.channel, one.name) for one in found.offers] == [
        ("advisories", "advisories-7.tar"),
        ("app", "redoubt-1.tar"),
    ]
    assert file.read_bytes() == b"redoubt-1.tar"
    assert (found.number, found.root, found.late) == (2, 1, None)


def test_the_same_medium_may_be_looked_at_again(sender: Sender) -> None:
    sender.ship()

    assert sender.look() == sender.look()


def test_every_channel_has_a_number_of_its_own(sender: Sender) -> None:
    sender.ship("redoubt-1.tar")
    sender.ship("advisories-1.tar", "advisories")
    sender.ship("advisories-2.tar", "advisories")

    assert {one.channel: one.number for one in sender.look().offers} == {"app": 1, "advisories": 2}


def test_an_old_medium_is_refused_after_a_newer_one(sender: Sender) -> None:
    sender.ship("redoubt-1.tar")
    old = shutil.copytree(sender.medium, sender.tmp_path / "old")
    sender.ship("redoubt-2.tar")
    sender.look()

    told = refused(lambda: sender.look(medium=old))

    assert told.fault is Fault.ROLLBACK
    assert "number 1; this site has seen 2" in told.message


def test_one_channel_rolled_back_by_a_stolen_medium_key_is_refused(sender: Sender) -> None:
    sender.ship("redoubt-1.tar")
    first = (sender.medium / "metadata" / "1.app.json").read_bytes()
    sender.ship("redoubt-2.tar")
    sender.look()
    (sender.medium / "metadata" / "2.app.json").unlink()
    (sender.medium / "metadata" / "1.app.json").write_bytes(first)
    sender.reseal()

    told = refused(sender.look)

    assert told.fault is Fault.ROLLBACK
    assert "a channel of the medium is older" in told.message


def test_a_medium_past_its_time_is_refused(sender: Sender) -> None:
    sender.ship()

    told = refused(lambda: sender.look(NOW + 401 * DAY))

    assert told.fault is Fault.EXPIRED
    assert "--accept-expired" in told.message


def test_a_clock_that_was_set_back_revives_no_medium(sender: Sender) -> None:
    sender.ship()

    assert refused(lambda: sender.look(NOW + DAY, known=NOW + 500 * DAY)).fault is Fault.EXPIRED


def test_one_signature_where_two_are_asked_is_refused(sender: Sender) -> None:
    sender.ship()
    sender.forge("app", Targets(2, expires=NOW + DAY * 9), sender.keys.app[:1])

    assert refused(sender.look).fault is Fault.SIGNATURES


def test_one_key_that_signs_twice_is_one_signature(sender: Sender) -> None:
    sender.ship()
    sender.forge("app", Targets(2, expires=NOW + DAY * 9), sender.keys.app[:1] * 2)
    file = sender.medium / "metadata" / "2.app.json"
    change(file, lambda told: told["signatures"].append(told["signatures"][0]))
    sender.reseal()

    assert refused(sender.look).fault in {Fault.SIGNATURES, Fault.UNREADABLE}


def evil(sender: Sender, path: str) -> TargetFile:
    return TargetFile.from_file(path, str(sender.file("evil.tar", b"code")), ["sha256"])


@pytest.mark.parametrize("path", ["app/evil.tar", "evil.tar", "advisories/app/evil.tar", "models/evil.tar"])
def test_stolen_keys_of_the_advisories_ship_nothing_else(sender: Sender, path: str) -> None:
    sender.ship("advisories-1.tar", "advisories")
    forged = Targets(2, expires=NOW + 9 * DAY, targets={path: evil(sender, path)})
    sender.forge("advisories", forged, sender.keys.advisories)

    told = refused(sender.look)

    assert told.fault is Fault.CHANNEL
    assert "take them for stolen" in told.message


def test_a_channel_cannot_hand_its_folder_on(sender: Sender) -> None:
    sender.ship("advisories-1.tar", "advisories")
    thief = holder("thief")
    role = DelegatedRole("more", [thief.public_key.keyid], 1, terminating=True, paths=["app/*"])
    handed = Delegations({thief.public_key.keyid: thief.public_key}, {"more": role})
    sender.forge("advisories", Targets(2, expires=NOW + DAY, delegations=handed), sender.keys.advisories)

    told = refused(sender.look)

    assert (told.fault, "hand it on" in told.message) == (Fault.CHANNEL, True)


def test_the_keys_of_one_channel_do_not_sign_for_another(sender: Sender) -> None:
    sender.ship()
    forged = Targets(2, expires=NOW + 9 * DAY, targets={"app/evil.tar": evil(sender, "app/evil.tar")})
    sender.forge("app", forged, [*sender.keys.advisories, *sender.keys.models])

    assert refused(sender.look).fault is Fault.SIGNATURES


@pytest.mark.parametrize("spoilt", [b"redoubt-1.tar\0", b"redoubt-1.ta", b"Redoubt-1.tar", b""])
def test_a_packed_folder_that_was_changed_is_not_fetched(sender: Sender, spoilt: bytes) -> None:
    sender.ship()
    found = sender.look()
    (offer,) = found.offers
    (sender.medium / "targets" / "app" / f"{offer.sha256}.{offer.name}").write_bytes(spoilt)

    told = refused(lambda: fetch(found, offer, sender.tmp_path / "fetched"))

    assert told.fault is Fault.ALTERED
    assert list((sender.tmp_path / "fetched").iterdir()) == []


def test_a_packed_folder_that_is_a_link_is_not_fetched(sender: Sender) -> None:
    sender.ship()
    found = sender.look()
    (offer,) = found.offers
    place = sender.medium / "targets" / "app" / f"{offer.sha256}.{offer.name}"
    place.rename(sender.tmp_path / "elsewhere")
    place.symlink_to(sender.tmp_path / "elsewhere")

    assert refused(lambda: fetch(found, offer, sender.tmp_path / "fetched")).fault is Fault.ALTERED


def test_metadata_of_two_media_is_refused(sender: Sender) -> None:
    sender.ship("redoubt-1.tar")
    one = (sender.medium / "metadata" / "1.app.json").read_bytes()
    sender.ship("redoubt-2.tar")
    (sender.medium / "metadata" / "2.app.json").write_bytes(one)

    assert refused(sender.look).fault is Fault.MIXED


def test_a_snapshot_of_another_medium_is_refused(sender: Sender) -> None:
    sender.ship("redoubt-1.tar")
    one = (sender.medium / "metadata" / "1.snapshot.json").read_bytes()
    sender.ship("redoubt-2.tar")
    (sender.medium / "metadata" / "2.snapshot.json").write_bytes(one)

    assert refused(sender.look).fault is Fault.MIXED


@pytest.mark.parametrize(
    ("file", "work", "fault"),
    [
        ("timestamp.json", lambda told: told["signed"].update(version=9), Fault.SIGNATURES),
        ("timestamp.json", lambda told: told["signed"].update(expires="2099-01-01T00:00:00Z"), Fault.SIGNATURES),
        ("timestamp.json", lambda told: told["signatures"].clear(), Fault.SIGNATURES),
        ("timestamp.json", lambda told: told.clear(), Fault.UNREADABLE),
        ("1.snapshot.json", lambda told: told["signed"].update(version=1.0), Fault.MIXED),
        ("1.app.json", lambda told: told["signed"]["targets"].clear(), Fault.MIXED),
        ("1.targets.json", lambda told: told["signed"]["delegations"]["roles"].clear(), Fault.MIXED),
    ],
)
def test_changed_metadata_is_refused(sender: Sender, file: str, work: Any, fault: Fault) -> None:
    sender.ship()
    change(sender.medium / "metadata" / file, work)

    assert refused(sender.look).fault is fault


@pytest.mark.parametrize("file", ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.app.json"])
def test_missing_metadata_is_refused(sender: Sender, file: str) -> None:
    sender.ship()
    (sender.medium / "metadata" / file).unlink()

    assert refused(sender.look).fault is Fault.UNREADABLE


def test_metadata_that_is_a_link_is_not_followed(sender: Sender) -> None:
    sender.ship()
    file = sender.medium / "metadata" / "timestamp.json"
    file.rename(sender.tmp_path / "elsewhere.json")
    file.symlink_to(sender.tmp_path / "elsewhere.json")

    assert refused(sender.look).fault is Fault.UNREADABLE


def test_an_empty_folder_is_no_medium(sender: Sender) -> None:
    (sender.tmp_path / "empty").mkdir()

    assert refused(lambda: sender.look(medium=sender.tmp_path / "empty")).fault is Fault.UNREADABLE


def test_another_root_than_the_sites_own_is_refused(sender: Sender, tmp_path: Path) -> None:
    other = Sender(tmp_path / "other", made=lambda name: holder(f"other-{name}"))
    other.ship()

    assert refused(lambda: sender.look(medium=other.medium)).fault is Fault.SIGNATURES


def test_new_root_keys_are_followed_and_a_revoked_key_counts_no_more(sender: Sender) -> None:
    sender.ship()
    sender.look()
    revoked = sender.keys.app[0]
    old_root, new = sender.keys.root, Keys()
    new.root = [old_root[1], old_root[2], holder("root-new")]
    new.app = [*sender.keys.app[1:], holder("app-new")]

    rotate(sender.medium, new.roles(), [*old_root[1:], new.root[2]], NOW)
    assert refused(lambda: seal(sender.medium, [new.medium], NOW)).fault is Fault.KEYS
    add(sender.medium, "app", [], new.app[1:], NOW)
    seal(sender.medium, [new.medium], NOW)
    found = sender.look()
    sender.keys = new
    sender.forge("app", Targets(9, expires=NOW + DAY), [revoked, new.app[0]])

    assert found.root == 2
    assert refused(sender.look).fault is Fault.SIGNATURES


def test_a_chain_of_roots_brings_an_old_site_up_to_date(sender: Sender) -> None:
    for number in range(3):
        new = Keys()
        new.root = [sender.keys.root[1], sender.keys.root[2], holder(f"root-{number}-new")]
        rotate(sender.medium, new.roles(), [*sender.keys.root, *new.root], NOW)
        sender.keys = new
    sender.ship()

    assert sender.look().root == 4


@pytest.mark.parametrize("who", ["old", "new"])
def test_a_root_that_only_one_side_signed_is_not_made(sender: Sender, who: str) -> None:
    new = Keys(made=lambda name: holder(f"new-{name}"))
    signers = sender.keys.root if who == "old" else new.root

    assert refused(lambda: rotate(sender.medium, new.roles(), signers, NOW)).fault is Fault.KEYS
    assert not (sender.medium / "metadata" / "2.root.json").exists()


def test_a_forged_next_root_is_refused(sender: Sender) -> None:
    sender.ship()
    thief = Sender(sender.tmp_path / "thief", made=lambda name: holder(f"thief-{name}"))
    rotate(thief.medium, thief.keys.roles(), thief.keys.root, NOW)
    shutil.copy(thief.medium / "metadata" / "2.root.json", sender.medium / "metadata")

    assert refused(sender.look).fault is Fault.SIGNATURES


def test_root_keys_of_a_refused_medium_are_kept_and_nothing_else(sender: Sender) -> None:
    sender.ship()
    sender.look()
    before = (sender.state / "metadata" / "timestamp.json").read_bytes()
    old = shutil.copytree(sender.medium, sender.tmp_path / "old")
    new = Keys()
    new.medium = holder("medium-new")
    rotate(sender.medium, new.roles(), sender.keys.root, NOW)
    seal(sender.medium, [new.medium], NOW)
    (sender.medium / "metadata" / "2.snapshot.json").unlink()

    assert refused(sender.look).fault is Fault.UNREADABLE
    assert (sender.state / "metadata" / "timestamp.json").read_bytes() == before
    assert refused(lambda: sender.look(medium=old)).fault is Fault.SIGNATURES


def test_late_data_is_taken_with_a_reason_that_is_kept(sender: Sender) -> None:
    sender.ship()

    found = sender.look(NOW + 500 * DAY, accept_expired="the courier was ill")

    (line,) = (sender.state / "receipts.jsonl").read_text().splitlines()
    assert found.late == "the courier was ill"
    assert json.loads(line)["reason"] == "the courier was ill"
    assert json.loads(line)["number"] == 1


def test_a_reason_that_was_not_needed_leaves_no_receipt(sender: Sender) -> None:
    sender.ship()

    assert sender.look(accept_expired="to be safe").late is None
    assert not (sender.state / "receipts.jsonl").exists()


def test_no_reason_takes_what_is_far_past_its_time(sender: Sender) -> None:
    sender.ship()

    told = refused(lambda: sender.look(NOW + 801 * DAY, accept_expired="anything"))

    assert (told.fault, "too long ago" in told.message) == (Fault.EXPIRED, True)


def test_no_reason_takes_what_had_expired_when_the_site_knew_better(sender: Sender) -> None:
    sender.ship()

    assert refused(lambda: sender.look(NOW, known=NOW + 401 * DAY, accept_expired="no")).fault is Fault.EXPIRED


def test_no_reason_mends_a_root_past_its_time(sender: Sender) -> None:
    create(sender.tmp_path / "late", sender.keys.roles(), sender.keys.root, NOW - 3650 * DAY)
    sender.medium = sender.tmp_path / "late"
    sender.root = (sender.medium / "metadata" / "1.root.json").read_bytes()
    sender.ship(now=NOW - DAY)

    told = refused(lambda: sender.look(NOW + DAY, accept_expired="please"))

    assert (told.fault, "root keys" in told.message) == (Fault.EXPIRED, True)


@pytest.mark.parametrize("why", [None, "late"])
def test_a_reason_forgives_lateness_and_nothing_else(sender: Sender, why: str | None) -> None:
    sender.ship("redoubt-1.tar")
    old = shutil.copytree(sender.medium, sender.tmp_path / "old")
    sender.ship("redoubt-2.tar")
    sender.look()

    assert refused(lambda: sender.look(NOW + 500 * DAY, medium=old, accept_expired=why)).fault in {
        Fault.ROLLBACK,
        Fault.EXPIRED,
    }
    assert not (sender.state / "receipts.jsonl").exists()


def test_a_clock_behind_the_medium_is_refused_unless_a_reason_is_given(sender: Sender) -> None:
    sender.ship()

    assert refused(lambda: sender.look(NOW - 3 * DAY)).fault is Fault.CLOCK
    assert sender.look(NOW - 3 * DAY, accept_clock="no battery").number == 1


def test_a_medium_that_was_refused_changes_nothing(sender: Sender) -> None:
    sender.ship()
    sender.look()
    before = {file: file.read_bytes() for file in sender.state.rglob("*.json")}
    sender.forge("app", Targets(2, expires=NOW + DAY), sender.keys.app[:1])

    refused(sender.look)

    assert {file: file.read_bytes() for file in sender.state.rglob("*.json")} == before


@pytest.mark.parametrize("name", ["-rf.tar", ".hidden", "a b.tar", "a\nb.tar", ""])
def test_a_name_that_is_not_plain_is_refused(sender: Sender, name: str) -> None:
    sender.ship()
    path = f"app/{name}"
    sender.forge("app", Targets(2, expires=NOW + DAY, targets={path: evil(sender, path)}), sender.keys.app[:2])

    assert refused(sender.look).fault is Fault.UNREADABLE


def test_a_second_look_waits_for_the_first(sender: Sender) -> None:
    sender.ship()
    sender.state.mkdir()
    with (sender.state / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        assert refused(sender.look).fault is Fault.BUSY


def test_a_power_cut_while_the_cache_changed_places_forgets_nothing(sender: Sender) -> None:
    sender.ship("redoubt-1.tar")
    old = shutil.copytree(sender.medium, sender.tmp_path / "old")
    sender.ship("redoubt-2.tar")
    sender.look()
    (sender.state / "metadata").rename(sender.state / BEFORE)

    assert refused(lambda: sender.look(medium=old)).fault is Fault.ROLLBACK


def test_signatures_may_be_added_one_by_one_before_the_seal(sender: Sender) -> None:
    add(sender.medium, "app", [sender.file("redoubt-1.tar")], sender.keys.app[:1], NOW)
    assert refused(lambda: seal(sender.medium, [sender.keys.medium], NOW)).fault is Fault.KEYS

    assert sign(sender.medium, "app", sender.keys.app[1:2]) == 2
    seal(sender.medium, [sender.keys.medium], NOW)

    assert len(sender.look().offers) == 1


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda one: add(one.medium, "app", [], one.keys.advisories, NOW), id="a key of another channel"),
        pytest.param(lambda one: add(one.medium, "app", [], [], NOW), id="no key"),
        pytest.param(lambda one: add(one.medium, "code", [], one.keys.app, NOW), id="no such channel"),
        pytest.param(lambda one: add(one.medium, "app", [one.tmp_path], one.keys.app, NOW), id="no file"),
        pytest.param(lambda one: seal(one.medium, one.keys.app, NOW), id="another key than the medium's"),
        pytest.param(lambda one: create(one.medium, one.keys.roles(), one.keys.root, NOW), id="a medium twice"),
        pytest.param(
            lambda one: create(one.tmp_path / "new", one.keys.roles(), one.keys.root[:1], NOW), id="one root key of two"
        ),
    ],
)
def test_a_medium_is_not_made_with_the_wrong_keys_or_files(sender: Sender, work: Callable[[Sender], object]) -> None:
    refused(lambda: work(sender))


def test_a_site_of_fips_algorithms_uses_p384_throughout(tmp_path: Path) -> None:
    sender = Sender(tmp_path, made=p384)
    sender.ship()

    assert len(sender.look().offers) == 1
    assert read(sender.medium, "app", Targets).signed.version == 1


def test_what_is_asked_for_and_not_there_is_named_with_what_is(sender: Sender) -> None:
    sender.ship()

    told = refused(lambda: named(sender.look(), "app/other.tar"))

    assert "app/redoubt-1.tar" in told.message


def test_looking_and_fetching_open_no_socket(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(socket.socket):
        def __init__(self, *args: Any, **more: Any) -> None:
            pytest.fail("a socket was opened")

    sender.ship()
    monkeypatch.setattr(socket, "socket", Closed)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: pytest.fail("a name was looked up"))

    found = sender.look()

    assert fetch(found, found.offers[0], sender.tmp_path / "fetched").exists()


def test_holders_are_told_by_key_not_by_signature(sender: Sender) -> None:
    assert holders(sender.keys.app, 2).threshold == 2
    assert len({key.keyid for key in holders(sender.keys.app, 2).keys}) == 3
