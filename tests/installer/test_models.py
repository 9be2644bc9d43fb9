"""What is made of a model that travels as a wheel."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from installer import models
from installer.layout import within
from installer.process import ProcessService
from offline.rules.manifest import Manifest, Model, read_manifest
from offline.rules.refusal import Refused
from tests.fakes.bundle import Release, wheel, write_tree
from tests.installer.house import FINGERPRINT, installer, small
from tests.installer.test_door_to_door import free_port

INNER = "names/en_names-1.0.0"
FILES = {f"{INNER}/config.cfg": b"[nlp]\n", f"{INNER}/ner/model": b"weights", "names/__init__.py": b"import spacy\n"}


def carried(tmp_path: Path, files: Mapping[str, bytes] = FILES) -> tuple[Path, Model]:
    """A folder with the wheel where a bundle has it, and what a manifest says of it."""
    made = wheel(tmp_path / "bundle/models/names/1.0.0", "names", "1.0.0", files)
    sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
    file = f"models/names/1.0.0/{made.name}"
    return tmp_path / "bundle", Model(name="names", version="1.0.0", file=file, sha256=sha256, licence="MIT")


def manifest(tmp_path: Path, *told: Model) -> Manifest:
    bundle = Release().write(tmp_path / "small")
    return replace(read_manifest((bundle / "manifest.json").read_bytes()), models=told)


def test_a_models_data_is_unpacked_beside_sums_that_an_index_names(tmp_path: Path) -> None:
    bundle, model = carried(tmp_path)

    models.place(bundle, manifest(tmp_path, model), tmp_path / "release")

    folder = tmp_path / "release/models/names/1.0.0"
    there = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    assert there == {"SHA256SUMS", "config.cfg", "ner/model"}
    sums = (folder / "SHA256SUMS").read_bytes()
    assert f"{hashlib.sha256(b'weights').hexdigest()}  ner/model" in sums.decode().splitlines()
    (told,) = json.loads((tmp_path / "release/models/index.json").read_bytes())
    assert (told["folder"], told["sha256"]) == ("names/1.0.0", hashlib.sha256(sums).hexdigest())


def test_a_release_without_models_has_no_place_for_them(tmp_path: Path) -> None:
    models.place(tmp_path, manifest(tmp_path), tmp_path / "release")

    assert not (tmp_path / "release").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({f"{INNER}/code.py": b"import os\n"}, "holds `code.py`, which is no data"),
        ({f"{INNER}/ner/speed": b"\x7fELF\2"}, "holds `ner/speed`, which is no data"),
        ({f"{INNER}/SHA256SUMS": b""}, "holds `SHA256SUMS`, which is no data"),
        ({"names/config.cfg": b""}, "holds 2 files `config.cfg`"),
    ],
    ids=["code", "machine code under an innocent name", "sums of its own", "two models"],
)
def test_a_wheel_that_is_more_than_one_models_data_is_refused(
    more: Mapping[str, bytes], said: str, tmp_path: Path
) -> None:
    bundle, model = carried(tmp_path, {**FILES, **more})

    with pytest.raises(Refused, match=said):
        models.place(bundle, manifest(tmp_path, model), tmp_path / "release")


def test_a_wheel_that_is_not_the_manifests_is_refused(tmp_path: Path) -> None:
    bundle, model = carried(tmp_path)

    with pytest.raises(Refused, match=r"is not the model that manifest\.json names"):
        models.place(bundle, manifest(tmp_path, replace(model, sha256="0" * 64)), tmp_path / "release")


@pytest.fixture
def prefix(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "site"
    yield folder
    ProcessService(within(folder)).stop()


def test_a_site_gets_the_model_of_its_release_and_notices_when_it_changes(tmp_path: Path, prefix: Path) -> None:
    medium = tmp_path / "medium"
    bundle, model = carried(tmp_path)
    content = (bundle / model.file).read_bytes()
    release = small()
    replace(release, extra={**release.extra, model.file: content}, models=(model,)).write(medium)
    ports = ("--api-port", free_port(), "--admin-port", free_port())
    words = ("--prefix", str(prefix), "--fingerprint", FINGERPRINT, "--trial", *ports)

    ran = installer(medium, "install", str(medium), *words)

    assert ran.returncode == 0, ran.stderr
    file = prefix / "current/models/names/1.0.0/ner/model"
    assert file.read_bytes() == b"weights"
    write_tree(prefix.resolve() / "current/models/names/1.0.0", {"ner/model": b"others"})
    checked = installer(medium, "verify-installed", "--prefix", str(prefix))
    assert checked.returncode != 0
    assert "models/names/1.0.0/ner/model" in checked.stdout + checked.stderr
