"""What the operating system holds a process to, read from a proc file system of files."""

import errno
import socket
from pathlib import Path

import pytest

from appliance.egress.host import holds, rules

DEV = "Inter-|   Receive\n face |bytes\n    lo: 1 2 3\n"
WITH_A_NETWORK = DEV + "  eth0: 4 5 6\n"
UNIT = "0::/system.slice/redoubt.service\n"
SHUT = "IPAddressAllow=127.0.0.0/8 ::1/128\nIPAddressDeny=::/0 0.0.0.0/0\nControlGroup=/system.slice/redoubt.service\n"


class Host:
    """One process, 7, that has a lock file open."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self.lock = folder / "gateway.lock"
        self.lock.touch()
        self.process = self.proc / "7"
        (self.process / "net").mkdir(parents=True)
        (self.process / "fd").mkdir()
        (self.process / "fd" / "0").symlink_to("socket:[1]")
        (self.process / "fd" / "3").symlink_to(self.lock)
        self.set("net/dev", WITH_A_NETWORK)
        self.set("cgroup", UNIT)

    def set(self, file: str, text: str) -> None:
        (self.process / file).write_text(text)

    def rules(self, told: str = "", process: int = 7) -> str | None:
        return rules(process, self.lock, proc=self.proc, ask=lambda unit: told if unit == "redoubt.service" else "")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_namespace_with_loopback_alone_is_seen(host: Host) -> None:
    host.set("net/dev", DEV)

    assert host.rules() == "it runs in a network namespace that has loopback alone"


def test_a_unit_that_denies_every_address_is_seen_with_what_it_allows(host: Host) -> None:
    told = host.rules(SHUT)

    assert told == ("systemd holds `redoubt.service` to `IPAddressAllow=127.0.0.0/8 ::1/128` and denies the rest")


@pytest.mark.parametrize(
    "told",
    [
        "",
        SHUT.replace("::/0 ", ""),
        SHUT.replace("IPAddressDeny=::/0 0.0.0.0/0", "IPAddressDeny="),
        SHUT.replace("ControlGroup=/system.slice/redoubt.service", "ControlGroup="),
        SHUT.replace("ControlGroup=/system.slice/", "ControlGroup=/other.slice/"),
    ],
    ids=["silent", "IPv4 alone", "denies nothing", "not running", "another of that name"],
)
def test_a_unit_that_does_not_shut_this_process_in_is_not_seen(host: Host, told: str) -> None:
    assert host.rules(told) is None


@pytest.mark.parametrize(
    "group", ["0::/\n", "0::/user.slice/u.slice/redoubt.service\n", "1:cpu:/system.slice/r.service"]
)
def test_a_process_that_is_no_service_of_the_system_is_not_seen(host: Host, group: str) -> None:
    host.set("cgroup", group)

    assert host.rules(SHUT) is None


def test_a_process_that_does_not_hold_the_lock_is_not_believed_to_be_the_gateway(host: Host) -> None:
    host.set("net/dev", DEV)
    (host.process / "fd" / "3").unlink()

    assert host.rules(SHUT) is None


def test_a_process_that_cannot_be_read_is_not_seen(host: Host) -> None:
    assert host.rules(SHUT, process=8) is None


def test_a_loopback_address_nobody_denies_is_not_held() -> None:
    assert not holds("127.255.255.1")


@pytest.mark.parametrize(("number", "held"), [(errno.EPERM, True), (errno.ENETUNREACH, False), (errno.ENOBUFS, False)])
def test_only_a_refusal_by_rule_counts_as_held(number: int, *, held: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def sendto(self, *_: object) -> int:
            raise OSError(number, "refused")

    monkeypatch.setattr(socket, "socket", Refusing)

    assert holds("127.255.255.1") is held
