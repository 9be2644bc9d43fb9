"""What is asked of systemd, and in which order. systemctl is a list here."""

from pathlib import Path

import pytest

from installer import accounts
from installer.layout import Layout
from installer.service import SystemdService, _ports
from installer.settings import drain_of
from installer.work import Ran

ROOT = Path(__file__).parents[2]


@pytest.fixture
def placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SystemdService, list[str]]:
    layout = Layout(tmp_path / "opt", tmp_path / "etc", tmp_path / "data")
    (layout.current / "bundle/units").mkdir(parents=True)
    (layout.current / "bundle/units/redoubt.service").write_text((ROOT / "installer/units/redoubt.service").read_text())
    layout.config.mkdir()
    layout.settings.write_text("listen:\n  api:\n    port: 5400\n\n  admin:\n    port: 5401\n\nmodels:\n  - port: 9\n")
    asked: list[str] = []
    monkeypatch.setattr(accounts, "give", lambda folder, user: asked.append(f"give {folder.name} {user}"))
    monkeypatch.setattr("installer.service.check", lambda *_: 1.1)

    def systemctl(*words: str) -> Ran:
        asked.append(" ".join(words))
        return Ran(0, "", "")

    return SystemdService(layout, "redoubt", Path("/usr/bin/python3.11"), tmp_path / "units", systemctl), asked


def test_a_start_renders_the_unit_of_the_release_that_starts(placed: tuple[SystemdService, list[str]]) -> None:
    service, asked = placed

    service.start()

    assert asked == ["give data redoubt", "daemon-reload", "enable redoubt.service", "start redoubt.service"]
    text = (service._units / "redoubt.service").read_text()
    assert "SocketBindAllow=tcp:5400\nSocketBindAllow=tcp:5401\n" in text
    assert "tcp:9" not in text
    assert "TimeoutStopSec=60\n" in text


def test_a_unit_waits_as_long_as_the_site_lets_streams_run(placed: tuple[SystemdService, list[str]]) -> None:
    service, _ = placed
    settings = service._layout.settings
    settings.write_text(settings.read_text() + "# drain_seconds: 7\nstop:\n  drain_seconds: 119.5\n")

    service.start()

    assert "TimeoutStopSec=150\n" in (service._units / "redoubt.service").read_text()


def test_a_drain_is_read_as_the_gateway_reads_it() -> None:
    assert drain_of("stop: {drain_seconds: 0}\n") == 0
    assert drain_of("data: x\n") == 30


NETWORKS = "[Service]\nIPAddressAllow=10.20.0.0/16\n"


def test_the_networks_of_the_site_outlive_an_upgrade_and_a_removal_and_are_forgotten_when_that_is_asked(
    placed: tuple[SystemdService, list[str]],
) -> None:
    service, asked = placed
    service.start()
    networks = service._units / "redoubt.service.d/10-networks.conf"
    networks.write_text(NETWORKS)

    service.stop()
    service.start()
    service.remove()
    service.remove()

    assert [one.name for one in service._units.iterdir()] == ["redoubt.service.d"]
    assert networks.read_text() == NETWORKS
    assert asked[-2:] == ["disable redoubt.service", "daemon-reload"]
    service.start()
    assert networks.read_text() == NETWORKS
    service.remove()
    service.forget()
    service.forget()
    assert list(service._units.iterdir()) == []
    assert asked[-3:] == ["disable redoubt.service", "daemon-reload", "daemon-reload"]


def test_a_removal_leaves_other_drop_ins_and_takes_the_one_in_which_the_site_wrote_no_network(
    placed: tuple[SystemdService, list[str]],
) -> None:
    service, _ = placed
    service.start()
    own = service._units / "redoubt.service.d/50-site.conf"
    own.write_text("[Service]\nCPUWeight=50\n")

    service.remove()

    assert list(service._units.rglob("*.conf")) == [own]


def test_a_removal_leaves_nothing_where_the_site_changed_nothing(placed: tuple[SystemdService, list[str]]) -> None:
    service, _ = placed
    service.start()

    service.remove()

    assert list(service._units.iterdir()) == []


def test_ports_are_those_the_gateway_listens_on() -> None:
    assert _ports("data: x\n") == (4000, 4001)
    assert _ports("listen:\n  api: {port: 6000}\n  admin: {port: 6001}\ndata: x\nother:\n  port: 7\n") == (6000, 6001)
