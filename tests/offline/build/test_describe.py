"""The list of parts of a draft is sbom's, about the files that lie there."""

import hashlib
import json
from pathlib import Path

import pytest

from offline.build import Draft
from offline.describe import describe
from offline.failure import Failure
from offline.members import carried_models, entry
from offline.source import Source
from tests.fakes.bundle import CREATED, header, wheel, write_tree
from tests.sbom.wheels import build


def draft(folder: Path, models: Path | None = None, licence: str = "MIT") -> Draft:
    bundle = folder / "bundle"
    own = build(bundle / "wheels", "redoubt_gateway", "0.1.0", head=("License-Expression: Apache-2.0",))
    plain = build(bundle / "wheels", "plain", head=(f"License-Expression: {licence}",))
    return Draft(
        folder=bundle,
        tree=folder,
        header=header(),
        source=Source(
            folder=folder,
            commit="0" * 40,
            tree="0" * 40,
            created=CREATED,
            version="0.1.0",
            maker=("A Maker", "maker@redoubt.example"),
        ),
        wheels=tuple(entry(one) for one in sorted((bundle / "wheels").iterdir())),
        environments={("serve", "3.11"): (own.name, plain.name), ("tools", "3.11"): (own.name,)},
        models=carried_models(models, bundle / "models"),
    )


def told(folder: Path, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "bundle/sbom" / name).read_bytes())
    return found


def test_every_wheel_of_every_environment_is_a_part(tmp_path: Path) -> None:
    describe(None)(draft(tmp_path))

    text = json.dumps(told(tmp_path, "redoubt.cdx.json"))
    assert "plain-1.0-py3-none-any.whl" in text
    assert "maker@redoubt.example" in text
    assert (tmp_path / "bundle/licences/plain-1.0/LICENSE").is_file()
    assert (tmp_path / "bundle/sbom/report.html").is_file()


def test_who_delivers_it_may_be_somebody_else(tmp_path: Path) -> None:
    describe(None, ("Another", "another@redoubt.example"))(draft(tmp_path))

    assert "another@redoubt.example" in json.dumps(told(tmp_path, "redoubt.cdx.json"))


def test_a_part_that_must_not_be_shipped_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="the list of parts cannot be written"):
        describe(None)(draft(tmp_path, licence="LicenseRef-Secret"))


def test_a_model_is_carried_hashed_and_told(tmp_path: Path) -> None:
    model = {
        "file": "model.bin",
        "licence": "MIT",
        "task": "token-classification",
        "architecture": "a transition-based parser",
        "party": {"name": "A Maker", "email": "maker@redoubt.example"},
        "datasets": [{"name": "unknown", "note": "its maker does not say"}],
        "limits": ["it misses names"],
    }
    files = {"names/1.0/model.json": json.dumps(model).encode(), "names/1.0/model.bin": b"weights"}
    write_tree(tmp_path / "dist", files)

    made = draft(tmp_path, tmp_path / "dist")
    describe(None)(made)

    assert [(one.name, one.version, one.file) for one in made.models] == [
        ("names", "1.0", "models/names/1.0/model.bin")
    ]
    assert "its maker does not say" in json.dumps(told(tmp_path, "mlbom.cdx.json"))


def test_a_model_that_is_not_the_one_its_card_names_stops_the_build(tmp_path: Path) -> None:
    card = {"file": "m", "licence": "MIT", "sha256": hashlib.sha256(b"trained").hexdigest()}
    write_tree(tmp_path / "dist", {"names/1.0/model.json": json.dumps(card).encode(), "names/1.0/m": b"another"})

    with pytest.raises(Failure, match=r"`models/names/1\.0/m` is not the file that its model\.json names"):
        draft(tmp_path, tmp_path / "dist")


def test_the_notices_in_a_models_wheel_lie_beside_it_too(tmp_path: Path) -> None:
    place = tmp_path / "dist/names/1.0"
    made = wheel(place, "names", "1.0", {"names-1.0.dist-info/licenses/NOTICE.md": b"by many"})
    write_tree(place, {"model.json": json.dumps({"file": made.name, "licence": "MIT"}).encode()})

    draft(tmp_path, tmp_path / "dist")

    assert (tmp_path / "bundle/models/names/1.0/NOTICE.md").read_bytes() == b"by many"


def test_a_model_of_which_nobody_tells_enough_stops_the_build(tmp_path: Path) -> None:
    files = {"names/1.0/model.json": b'{"file": "m", "licence": "MIT"}', "names/1.0/m": b""}
    write_tree(tmp_path / "dist", files)

    with pytest.raises(Failure, match="must tell task, architecture"):
        describe(None)(draft(tmp_path, tmp_path / "dist"))
