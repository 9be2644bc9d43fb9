"""An overlay as its makers make it: what a site's installer will take."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from offline.failure import Failure
from offline.overlay import Plan, make
from offline.rules.refusal import Refused
from offline.rules.verify import verify
from tests.fakes.bundle import CAROL, CREATED, asked, check, sign, trust, wheel, write_tree
from tests.fakes.overlay import SITE, adapter


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    write_tree(tmp_path / "site-trust", {"1.trust": str(SITE).encode()})
    write_tree(tmp_path, {"names.txt": b"one\n"})
    return Plan(
        name="acme-adapter-1.2.0",
        seq=3,
        created=CREATED,
        expires=CREATED + timedelta(days=400),
        files=(adapter(tmp_path / "dist"), tmp_path / "names.txt"),
        trust=tmp_path / "site-trust",
    )


def test_what_is_made_verifies_once_the_site_has_signed_it(plan: Plan, tmp_path: Path) -> None:
    made = make(plan, tmp_path / "out")

    sign(made.folder, CAROL, "ed25519")

    found = verify(made.folder, SITE, asked("overlay"), check)
    assert found.sums.header.version == "acme-adapter-1.2.0"
    assert [one.name for one in made.wheels] == ["acme_adapter-1.2.0-py3-none-any.whl"]
    assert "files/names.txt" in made.files


def test_the_makers_trust_signs_no_overlay(plan: Plan, tmp_path: Path) -> None:
    write_tree(tmp_path / "makers", {"1.trust": str(trust()).encode()})

    with pytest.raises(Failure, match="an overlay is signed by the site"):
        make(msgspec.structs.replace(plan, trust=tmp_path / "makers"), tmp_path / "out")

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["../acme-1.0", "acme", "acme adapter-1.0"])
def test_a_name_that_names_no_overlay_is_refused(plan: Plan, tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        make(msgspec.structs.replace(plan, name=name), tmp_path / "out")

    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_a_wheel_whose_record_lies_is_refused_before_anybody_signs(plan: Plan, tmp_path: Path) -> None:
    liar = wheel(tmp_path / "liar", "liar", "1.0", {"liar.py": b""}, record=b"liar-1.0.dist-info/RECORD,,\n")

    with pytest.raises(Refused):
        make(msgspec.structs.replace(plan, files=(liar,)), tmp_path / "out")


def test_one_name_stands_for_one_file(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="is given twice"):
        make(msgspec.structs.replace(plan, files=(*plan.files, plan.files[0])), tmp_path / "out")
