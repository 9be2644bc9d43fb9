from collections.abc import Sequence

import pytest

from appliance.egress.address import faces, parse
from appliance.egress.guard import AllowList, EgressRefused, Guard
from appliance.egress.refusals import Refusal


def answers(*found: Sequence[str]) -> "Resolver":
    return Resolver(list(found))


class Resolver:
    """Gives its answers one after another."""

    def __init__(self, found: list[Sequence[str]]) -> None:
        self.found = found
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.found.pop(0)


def test_by_default_loopback_alone_may_be_dialled() -> None:
    allow = AllowList()

    assert all(allow.permits(address) for address in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"))
    assert not any(allow.permits(address) for address in ("10.0.0.1", "192.168.1.1", "fd00::1", "8.8.8.8", "::2"))
    assert allow.names("localhost")
    assert not allow.names("gpu.site.example")


def test_an_empty_list_lets_nothing_through() -> None:
    allow = AllowList(())

    assert not allow.permits("127.0.0.1")
    assert not allow.names("localhost")
    assert not allow.names("")


def test_names_are_matched_without_case_and_stars_cover_what_is_below() -> None:
    allow = AllowList(["GPU1.site.example.", "*.lab.example"])

    listed = ("gpu1.SITE.example", "gpu1.site.example.", "a.lab.example", "b.a.lab.example")
    others = ("lab.example", "xlab.example", "site.example", "gpu1.site.example.x")
    assert [allow.names(name) for name in listed] == [True] * 4
    assert [allow.names(name) for name in others] == [False] * 4


NEITHER = ["", "10.0.0.1/8", "10.0.0.0/33", "127.1", "0x7f000001", "a b", "*", "*.", "-a", "http://x", "fe80::1%lo"]


@pytest.mark.parametrize("entry", [*NEITHER, "::ffff:10.0.0.0/104"])
def test_an_entry_that_is_neither_network_nor_name_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="egress allow-list"):
        AllowList([entry])


@pytest.mark.parametrize(
    ("written", "reaches"),
    [
        ("::ffff:10.0.0.1", ["10.0.0.1"]),
        ("64:ff9b::a00:1", ["64:ff9b::a00:1", "10.0.0.1"]),
        ("2002:a00:1::", ["2002:a00:1::", "10.0.0.1"]),
        ("2001:0:a00:1::f5ff:fffe", ["2001:0:a00:1::f5ff:fffe", "10.0.0.1"]),
        ("::a00:1", ["::a00:1", "10.0.0.1"]),
        ("::ffff:0:a00:1", ["::ffff:0:a00:1", "10.0.0.1"]),
        ("fd00::5efe:a00:1", ["fd00::5efe:a00:1", "10.0.0.1"]),
        ("fd00::200:5efe:a00:1", ["fd00::200:5efe:a00:1", "10.0.0.1"]),
        ("fd00::1", ["fd00::1"]),
        ("::1", ["::1"]),
    ],
)
def test_an_address_stands_for_everything_it_may_reach(written: str, reaches: list[str]) -> None:
    found = [str(face) for face in faces(parse(written))]

    assert found[0] == str(parse(reaches[0]))
    assert set(found) >= set(reaches)


def test_a_tunnel_to_a_listed_address_is_refused_unless_the_tunnel_is_listed_too() -> None:
    inside = "64:ff9b::a00:1"  # 10.0.0.1 through a NAT64 gateway

    assert not AllowList(["10.0.0.0/8"]).permits(inside)
    assert not AllowList(["64:ff9b::/96"]).permits(inside)
    assert AllowList(["10.0.0.0/8", "64:ff9b::/96"]).permits(inside)


EVERYTHING = AllowList(["0.0.0.0/0", "::/0", "*.site.example"])


async def test_what_was_checked_is_what_will_be_dialled() -> None:
    resolve = answers(["10.0.0.1", "10.0.0.2", "10.0.0.1"])
    guard = Guard(AllowList(["10.0.0.0/8", "a.example"]), resolve=resolve)

    assert await guard.addresses("a.example", 80) == ("10.0.0.1", "10.0.0.2")
    assert resolve.asked == ["a.example"]


async def test_a_mapped_answer_is_dialled_as_the_ipv4_address_it_is() -> None:
    guard = Guard(AllowList(["10.0.0.0/8", "a.example"]), resolve=answers(["::ffff:10.0.0.1"]))

    assert await guard.addresses("a.example", 80) == ("10.0.0.1",)


async def test_one_address_outside_the_list_refuses_the_name() -> None:
    guard = Guard(AllowList(["10.0.0.0/8", "a.example"]), resolve=answers(["10.0.0.1", "192.168.0.1"]))

    with pytest.raises(EgressRefused, match=r"192\.168\.0\.1"):
        await guard.addresses("a.example", 80)


async def test_a_name_that_changes_its_answer_is_checked_again_at_each_dial() -> None:
    guard = Guard(AllowList(["10.0.0.0/8", "a.example"]), resolve=answers(["10.0.0.1"], ["127.0.0.1"]))

    assert await guard.addresses("a.example", 80) == ("10.0.0.1",)
    with pytest.raises(EgressRefused):
        await guard.addresses("a.example", 80)


async def test_a_name_that_is_not_listed_is_never_looked_up() -> None:
    resolve = answers(["127.0.0.1"])

    with pytest.raises(EgressRefused, match="not in the egress allow-list"):
        await Guard(AllowList(), resolve=resolve).addresses("secret.exfiltrated.example", 80)

    assert resolve.asked == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1."])
async def test_a_number_that_is_no_dotted_quad_is_told_apart_from_a_name(host: str) -> None:
    resolve = answers(["127.0.0.1"])

    with pytest.raises(EgressRefused, match="four decimal numbers"):
        await Guard(AllowList(), resolve=resolve).addresses(host, 80)

    assert resolve.asked == []


async def test_a_listed_name_without_a_listed_network_is_refused() -> None:
    with pytest.raises(EgressRefused, match="no network"):
        await Guard(AllowList(["a.example"]), resolve=answers(["10.0.0.1"])).addresses("a.example", 80)


@pytest.mark.parametrize("found", [["fe80::1%eth0"], ["nonsense"], ["10.0.0.1", ""]])
async def test_an_answer_that_is_no_plain_address_is_refused(found: list[str]) -> None:
    with pytest.raises(EgressRefused):
        await Guard(EVERYTHING, resolve=answers(found)).addresses("a.site.example", 80)


async def test_a_name_without_addresses_is_an_error_of_the_network() -> None:
    with pytest.raises(OSError, match="no address") as caught:
        await Guard(EVERYTHING, resolve=answers([])).addresses("a.site.example", 80)

    assert not isinstance(caught.value, EgressRefused)


async def test_a_refusal_is_reported() -> None:
    told: list[Refusal] = []
    guard = Guard(AllowList(), on_refusal=told.append)

    with pytest.raises(EgressRefused):
        await guard.addresses("10.0.0.1", 8000)

    assert [(refusal.layer, refusal.what, refusal.to) for refusal in told] == [("dial", "connect", "10.0.0.1:8000")]
