"""Adapters of third parties come straight out of signed wheel files, when the site allows them, and not before."""

import sys
from pathlib import Path

import pytest

import installer.importing
import providers
from appliance import plugins
from appliance.config.schema import Plugins, Site
from appliance.domain.errors import ConfigError
from tests.fakes.overlay import ADAPTER, adapter, sealed

ALLOWED, CLOSED = Site(plugins=Plugins(allow=("acme",))), Site()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where overlays lie, beside the release that this program seems to run from."""
    release = tmp_path / "releases/0.1.0-0123456789ab"
    monkeypatch.setattr(sys, "prefix", str(release / "serve"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "acme_adapter", raising=False)
    (tmp_path / "overlays").mkdir()
    return tmp_path.resolve() / "overlays"


def add(place: Path, seq: int = 1) -> Path:
    """The wheel, in an overlay that the site signed."""
    folder = place / f"acme-adapter-1.2.0-{seq}"
    made = adapter(folder / "wheels")
    sealed(folder, seq=seq)
    return made


def test_an_allowed_adapter_runs_straight_from_the_signed_wheel_behind_everything_else(place: Path) -> None:
    wheel, before = add(place), list(sys.path)

    loaded = plugins.load(["acme", "vllm"], ALLOWED)["acme"]

    assert loaded.traits.title == "Acme's server"
    assert sys.path == [*before, str(wheel)]
    assert sys.modules["acme_adapter"].__file__ == f"{wheel}/acme_adapter.py"
    plugins.load(["acme"], ALLOWED)
    assert sys.path == [*before, str(wheel)]


def test_an_adapter_that_the_site_does_not_allow_is_not_even_on_the_import_path(place: Path) -> None:
    add(place)
    before = list(sys.path)

    with pytest.raises(ConfigError, match="provider `acme` is installed but not allowed"):
        plugins.load(["acme"], CLOSED)

    assert sys.path == before
    assert "acme_adapter" not in sys.modules


def test_a_wheel_with_an_altered_byte_is_not_imported(place: Path) -> None:
    wheel = add(place)
    wheel.write_bytes(wheel.read_bytes().replace(b"9000", b"9001"))

    with pytest.raises(ConfigError, match=r"`acme_adapter-1\.2\.0-py3-none-any\.whl` of the overlay .* is not what"):
        plugins.load(["acme"], ALLOWED)

    assert "acme_adapter" not in sys.modules


def test_a_site_without_plugins_does_not_look_at_its_overlays(place: Path) -> None:
    (place / "damaged").mkdir()

    assert set(plugins.load(["vllm", "tgi"], CLOSED)) == {"vllm", "tgi"}


def test_a_removed_adapter_that_is_still_allowed_is_missed_by_name(place: Path) -> None:
    with pytest.raises(ConfigError, match="provider `acme` is allowed and is not here; add its overlay again, or take"):
        plugins.load(["acme"], ALLOWED)


def test_of_two_that_lie_there_after_a_power_cut_the_newer_is_imported(place: Path) -> None:
    add(place, seq=9)
    newer = add(place, seq=10)

    plugins.load(["acme"], ALLOWED)

    assert sys.modules["acme_adapter"].__file__ == f"{newer}/acme_adapter.py"


def test_what_came_with_the_release_goes_before_a_module_of_the_same_name(place: Path) -> None:
    folder = place / "acme-adapter-1.2.0-1"
    planted = {"acme_adapter.py": ADAPTER, "json.py": b"raise RuntimeError\n", "providers.py": b"raise RuntimeError\n"}
    adapter(folder / "wheels", files=planted)
    sealed(folder)

    assert plugins.load(["acme"], ALLOWED)["acme"].traits.name == "acme"


def test_the_installer_asks_for_the_group_that_the_gateway_loads() -> None:
    assert installer.importing.GROUP == providers.GROUP
