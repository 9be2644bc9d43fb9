"""The unit: systemd can use it, judges it closed, and no setting can write a line of its own into it."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.systemd import MOST_EXPOSED, Service, UnitError, check, drop_in, unit
from tests.system.needs import need

TEMPLATE = (Path(__file__).parents[3] / "installer" / "units" / "redoubt.service").read_text()
SITE = Service(python="/usr/bin/python3.11", networks=("10.20.0.0/16", "fd00:20::/64"))


@pytest.fixture
def placed(tmp_path: Path) -> Service:
    """A release whose programs are in their places, as `verify` wants them."""
    need("systemd-analyze", "systemd")
    for name in ("python", "release/current/serve/bin/python"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("#!/bin/true\n")
        (tmp_path / name).chmod(0o755)
    return replace(SITE, python=str(tmp_path / "python"), prefix=str(tmp_path / "release"))


def test_systemd_can_use_the_unit_and_finds_it_closed(placed: Service) -> None:
    assert check(unit(TEMPLATE, placed), drop_in(placed.networks)) <= 1.0


def test_a_host_of_its_own_is_closed_further(placed: Service) -> None:
    alone = replace(placed, networks=())

    assert check(unit(TEMPLATE, alone), drop_in(alone.networks)) < MOST_EXPOSED


@pytest.mark.parametrize(
    "opened",
    [
        "IPAddressAllow=any\nCapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_ADMIN\nNoNewPrivileges=no\n",
        "SystemCallFilter=@privileged\nMemoryDenyWriteExecute=no\nRestrictNamespaces=no\nProtectSystem=no\n",
    ],
)
def test_a_drop_in_that_opens_it_is_refused(placed: Service, opened: str) -> None:
    with pytest.raises(UnitError, match="exposure is"):
        check(unit(TEMPLATE, placed), f"{drop_in(placed.networks)}{opened}")


def test_a_unit_systemd_does_not_understand_is_refused(placed: Service) -> None:
    with pytest.raises(UnitError, match="systemd cannot use the unit"):
        check(unit(TEMPLATE, placed).replace("ProtectClock=", "ProtectClocks="), drop_in(placed.networks))


def test_a_release_that_is_not_there_is_refused(placed: Service) -> None:
    with pytest.raises(UnitError, match="systemd cannot use the unit"):
        check(unit(TEMPLATE, replace(placed, prefix="/nowhere/redoubt")), drop_in(placed.networks))


def test_every_start_verifies_first_and_the_key_comes_as_a_credential() -> None:
    lines = unit(TEMPLATE, SITE).splitlines()

    program = "/usr/bin/python3.11 -I -S -B /opt/redoubt/current/bundle/installer.pyz"
    resume = f"ExecStartPre=+{program} resume --at-start --prefix /opt/redoubt"
    verify = f"ExecStartPre={program} verify-installed --at-start --prefix /opt/redoubt"
    assert (
        lines.index(resume)
        < lines.index(verify)
        < next(n for n, line in enumerate(lines) if line.startswith("ExecStart="))
    )
    assert "LoadCredential=master.key:/etc/redoubt/master.key" in lines
    assert "IPAddressDeny=any" in lines
    assert [line for line in lines if line.startswith("IPAddressAllow=")] == ["IPAddressAllow=127.0.0.0/9 ::1/128"]
    canary = next(line for line in lines if line.startswith("Environment=REDOUBT_DENIED_LOOPBACK=")).rpartition("=")[2]
    assert ip_address(canary).is_loopback
    assert ip_address(canary) not in ip_network("127.0.0.0/9")
    assert [line for line in lines if line.startswith("SocketBindAllow=")] == [
        "SocketBindAllow=tcp:4000",
        "SocketBindAllow=tcp:4001",
    ]


@pytest.mark.parametrize("drain", [0, 30, 3600])
def test_systemd_waits_longer_than_the_drain(drain: int) -> None:
    told = unit(TEMPLATE, replace(SITE, drain_s=drain))

    stop = next(line for line in told.splitlines() if line.startswith("TimeoutStopSec="))
    assert int(stop.partition("=")[2]) >= drain + 30


def test_the_end_of_one_process_for_want_of_memory_is_not_the_end_of_the_gateway() -> None:
    lines = unit(TEMPLATE, SITE).splitlines()

    assert "OOMPolicy=continue" in lines
    assert "Restart=on-failure" in lines  # where it was the gateway that the kernel took
    score = next(line for line in lines if line.startswith("OOMScoreAdjust="))
    assert int(score.partition("=")[2]) < 0  # a worker raises its own: tests/attacks/privacy


def test_no_mark_is_left_over_and_an_unknown_one_is_refused() -> None:
    assert "@PREFIX@" not in unit(TEMPLATE, SITE)
    with pytest.raises(UnitError, match="`@WAND@`"):
        unit(f"{TEMPLATE}\n# @WAND@\n", SITE)


def test_the_drop_in_names_the_sites_networks_and_nothing_else() -> None:
    lines = [line for line in drop_in(SITE.networks).splitlines() if not line.startswith("#")]

    assert lines == ["[Service]", "IPAddressAllow=10.20.0.0/16", "IPAddressAllow=fd00:20::/64"]


@pytest.mark.parametrize(
    "network", ["0.0.0.0/0", "::/0", "10.20.0.1/16", "any", "", "gpu.internal", "10.0.0.0/8\nUser=root"]
)
def test_a_network_that_is_everything_or_none_is_refused(network: str) -> None:
    with pytest.raises(UnitError, match="networks: "):
        replace(SITE, networks=(network,))


@pytest.mark.parametrize("user", ["root", "", "Redoubt", "a b", "x\nUser=root", "0"])
def test_a_user_that_is_not_its_own_is_refused(user: str) -> None:
    with pytest.raises(UnitError, match="user: "):
        replace(SITE, user=user)


@pytest.mark.parametrize("ports", [(), (80,), (4000, 70000)])
def test_a_port_that_needs_privileges_or_is_none_is_refused(ports: tuple[int, ...]) -> None:
    with pytest.raises(UnitError, match="ports: "):
        replace(SITE, ports=ports)


@given(st.text(max_size=40).map(lambda text: f"/{text}"))
def test_no_path_brings_a_line_a_word_or_a_specifier_of_its_own(path: str) -> None:
    try:
        site = replace(SITE, data=path)
    except UnitError:
        return

    assert unit(TEMPLATE, site).count("\n") == unit(TEMPLATE, SITE).count("\n")
    assert not set(path) & set(" \t\n%$\"'\\;=@")


def test_the_unit_names_no_program_that_a_small_host_lacks() -> None:
    """coreutils, the shell and what the release brings: `kill` comes with procps, which Debian does not demand."""
    lines = [line for line in unit(TEMPLATE, SITE).splitlines() if line.startswith("Exec")]

    programs = {line.partition("=")[2].lstrip("+").split()[0] for line in lines if not line.startswith("ExecStart")}

    assert programs == {"/bin/sh"}
