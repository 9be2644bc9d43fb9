"""What a site signs and adds: what is taken, what is refused, and what can still be done when one is damaged."""

import io
import json
import zipfile
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from installer import overlays
from installer.failure import Failed
from installer.standing import findings
from installer.verbs.asking import status, verify_installed
from offline.rules.overlay import Overlay
from offline.rules.refusal import Refused
from tests.fakes.bundle import check
from tests.fakes.overlay import ADAPTER, PAPER, adapter, sealed
from tests.installer.fakes import House
from tests.installer.house import FINGERPRINT, small

NATIVE = "cp311-cp311-manylinux_2_28_x86_64"
POINTS = "[redoubt.providers]\nother = other_adapter:Acme\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House.at(tmp_path / "site")
    made.run("install", str(small().write(tmp_path / "medium")), "--fingerprint", FINGERPRINT, "--trial")
    return made


def add(house: House, folder: Path) -> Overlay:
    return overlays.add(house.layout, house.means(), folder, ("", PAPER))


def added(house: House, folder: Path) -> Overlay:
    adapter(folder / "wheels")
    return add(house, sealed(folder))


def wrong(house: House) -> list[str]:
    release = house.layout.serving()
    assert release is not None
    return findings(house.layout, release, check)


def test_an_adapter_is_added_and_listed_with_its_plugins(house: House, tmp_path: Path) -> None:
    added(house, tmp_path / "adapter")

    [told] = overlays.listed(house.layout)

    assert (told["name"], told["plugins"], told["supplied_by"]) == ("acme-adapter", ["acme"], "operator")
    assert wrong(house) == []


@pytest.mark.parametrize(
    ("files", "tag", "said"),
    [
        ({"acme_adapter/_speed.so": b"\x7fELF"}, NATIVE, "holds native code (`acme_adapter/_speed.so`)"),
        ({"acme_adapter/_speed.so": b"\x7fELF"}, "py3-none-any", "holds native code (`acme_adapter/_speed.so`)"),
        ({"acme_adapter.py": ADAPTER}, NATIVE, "is for some machines only"),
        ({"acme_adapter-1.2.0.data/purelib/acme_adapter.py": ADAPTER}, "py3-none-any", "would have to be unpacked"),
        ({"acme_adapter-1.2.0.data/data/share/x": b""}, "py3-none-any", "would have to be unpacked"),
        ({"acme_adapter/__init__.pyc": b"code"}, "py3-none-any", "is byte code"),
        ({"json/__init__.py": b""}, "py3-none-any", "brings `json`, which is the standard library's"),
        ({"alpha.py": b""}, "py3-none-any", "brings `alpha`, which is release `0.1.0-"),
        ({"appliance/more.py": b""}, "py3-none-any", "brings `appliance`, which is release `0.1.0-"),
    ],
)
def test_a_wheel_that_cannot_be_imported_as_it_lies_there_is_refused(
    house: House, tmp_path: Path, files: Mapping[str, bytes], tag: str, said: str
) -> None:
    adapter(tmp_path / "adapter/wheels", files=files, tag=tag)

    with pytest.raises(Refused) as refused:
        add(house, sealed(tmp_path / "adapter"))

    assert said in refused.value.message
    assert overlays.listed(house.layout) == []


def test_a_wheel_of_a_package_that_the_release_ships_is_refused(house: House, tmp_path: Path) -> None:
    adapter(tmp_path / "adapter/wheels", name="alpha", files={"acme_adapter.py": ADAPTER})

    with pytest.raises(Refused, match="brings `alpha`, which is release"):
        add(house, sealed(tmp_path / "adapter"))


def test_a_wheel_in_a_compression_that_python_imports_nothing_from_is_refused(house: House, tmp_path: Path) -> None:
    wheel = adapter(tmp_path / "adapter/wheels")
    with zipfile.ZipFile(wheel) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members.items():
            archive.writestr(name, content)

    with pytest.raises(Refused, match="use deflate"):
        add(house, sealed(tmp_path / "adapter"))


def test_wheels_of_which_none_brings_an_adapter_are_refused(house: House, tmp_path: Path) -> None:
    adapter(tmp_path / "adapter/wheels", points="")

    with pytest.raises(Refused, match="no wheel of `acme-adapter` brings an adapter"):
        add(house, sealed(tmp_path / "adapter"))


def test_two_overlays_do_not_bring_the_same_module(house: House, tmp_path: Path) -> None:
    added(house, tmp_path / "adapter")
    adapter(tmp_path / "other/wheels", name="other_adapter", files={"acme_adapter.py": b""}, points=POINTS)

    with pytest.raises(Refused, match="brings `acme_adapter`, which is the overlay `acme-adapter`'s"):
        add(house, sealed(tmp_path / "other", "other-adapter-1.0"))


def test_a_newer_number_takes_the_place_of_the_older(house: House, tmp_path: Path) -> None:
    added(house, tmp_path / "adapter")
    adapter(tmp_path / "newer/wheels")

    made = add(house, sealed(tmp_path / "newer", "acme-adapter-1.3.0", seq=2))

    assert [one["folder"] for one in overlays.listed(house.layout)] == [str(made.folder)]


def test_a_wheel_with_an_altered_byte_is_found_before_a_start(house: House, tmp_path: Path) -> None:
    [wheel] = added(house, tmp_path / "adapter").wheels
    wheel.write_bytes(wheel.read_bytes().replace(b"9000", b"9001"))

    [line] = wrong(house)

    assert "`wheels/acme_adapter-1.2.0-py3-none-any.whl` is not what was signed" in line


def test_adding_the_same_one_again_brings_back_what_was_altered(house: House, tmp_path: Path) -> None:
    [wheel] = added(house, tmp_path / "adapter").wheels
    wheel.write_bytes(b"altered")

    add(house, tmp_path / "adapter")

    assert wrong(house) == []
    assert not list(house.layout.staging.glob("overlay*"))


def test_a_damaged_overlay_is_shown_by_every_verb_that_reads_and_can_be_removed(house: House, tmp_path: Path) -> None:
    made = added(house, tmp_path / "adapter")
    (made.folder / "SHA256SUMS").write_bytes(b"damaged")
    said = io.StringIO()

    with redirect_stdout(said):
        status(house.asked("status", "--json"), house.layout, house.means())
    assert [one["readable"] for one in json.loads(said.getvalue())["overlays"]] == [False]
    with redirect_stdout(io.StringIO()) as told:
        assert verify_installed(house.asked("verify-installed", "--json"), house.layout, house.means()) == 1
    assert len(json.loads(told.getvalue())["findings"]) == 1
    overlays.remove(house.layout, made.folder.name)

    assert wrong(house) == []


def test_removing_one_removes_the_older_that_a_power_cut_left_too(house: House, tmp_path: Path) -> None:
    first = added(house, tmp_path / "adapter")
    (tmp_path / "kept").mkdir()
    first.folder.rename(tmp_path / "kept/first")
    adapter(tmp_path / "newer/wheels")
    add(house, sealed(tmp_path / "newer", "acme-adapter-1.3.0", seq=2))
    (tmp_path / "kept/first").rename(first.folder)

    overlays.remove(house.layout, "acme-adapter")

    assert overlays.listed(house.layout) == []
    with pytest.raises(Failed, match="there is no overlay `acme-adapter`"):
        overlays.remove(house.layout, "acme-adapter")
