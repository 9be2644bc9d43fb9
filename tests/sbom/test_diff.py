"""What changed between two documents."""

import json
from typing import Any

from sbom import diff, view
from sbom.diff import Change

Json = dict[str, Any]


def changed(document: view.View, name: str, **fields: object) -> view.View:
    raw = json.loads(json.dumps(document.raw))
    next(one for one in raw["components"] if one["name"] == name).update(fields)
    return view.view(json.dumps(raw).encode())


def without(document: view.View, name: str) -> view.View:
    raw = {**document.raw, "components": [one for one in document.raw["components"] if one["name"] != name]}
    return view.view(json.dumps(raw).encode())


def test_a_document_does_not_differ_from_itself(ours: view.View) -> None:
    assert not diff.compare(ours, ours)


def test_a_new_package_and_its_library_are_named(ours: view.View) -> None:
    found = diff.compare(without(without(ours, "quick"), "libquick"), ours)

    assert found.added == (Change("quick", "", "1.0"),)
    assert found.natives == (Change("libquick", "", "2.1"),)


def test_a_package_taken_away_is_named(ours: view.View) -> None:
    assert diff.compare(ours, without(ours, "plain")).removed == (Change("plain", "1.0", ""),)


def test_an_upgrade_is_one_line_and_no_rebuild(ours: view.View) -> None:
    found = diff.compare(changed(ours, "plain", version="0.9", hashes=[]), ours)

    assert found.upgraded == (Change("plain", "0.9", "1.0"),)
    assert found.rebuilt == ()


def test_other_bytes_under_the_same_version_are_named(ours: view.View) -> None:
    found = diff.compare(changed(ours, "plain", hashes=[{"alg": "SHA-512", "content": "0" * 128}]), ours)

    assert [one.name for one in found.rebuilt] == ["plain"]


def test_another_licence_is_named(ours: view.View) -> None:
    found = diff.compare(changed(ours, "plain", licenses=[{"expression": "ISC"}]), ours)

    assert found.licences == (Change("plain", "ISC", "MIT"),)


def test_native_code_where_there_was_none_is_named(ours: view.View) -> None:
    before = changed(ours, "quick", properties=[{"name": "redoubt:native-files", "value": "0"}])

    assert diff.compare(before, ours).native_code == (Change("quick", "pure Python", "native"),)


def test_a_file_that_runs_at_every_start_is_named(ours: view.View) -> None:
    after = changed(ours, "plain", properties=[{"name": "redoubt:pth", "value": "sneak.pth"}])

    assert diff.compare(ours, after).pth == (Change("plain sneak.pth", "", "there"),)
