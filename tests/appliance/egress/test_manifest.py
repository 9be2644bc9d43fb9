from appliance.domain.model import Deployment
from appliance.egress.guard import AllowList
from appliance.egress.manifest import Local, Other, Running, manifest
from tests.appliance.egress.peer import deployment


def at(url: str) -> Deployment:
    return deployment(url)


def test_every_destination_is_told_with_whether_it_can_be_reached() -> None:
    allow = AllowList(["127.0.0.0/8", "10.0.0.0/8", "gpu.example"])

    found = manifest(
        allow,
        [at("http://127.0.0.1:8000"), at("https://gpu.example"), at("http://8.8.8.8:1"), at("http://other.example:1")],
        [Other(what="counters", url="http://10.1.2.3:6379")],
        local=[Local(what="ledger", where="a file")],
    )

    assert found.allow == ("127.0.0.0/8", "10.0.0.0/8", "gpu.example")
    assert [(place.host, place.port, place.resolved, place.tls, place.allowed) for place in found.destinations] == [
        ("127.0.0.1", 8000, "literal", False, True),
        ("gpu.example", 443, "resolver", True, True),
        ("8.8.8.8", 1, "literal", False, False),
        ("other.example", 1, "resolver", False, False),
        ("10.1.2.3", 6379, "literal", False, True),
    ]
    assert found.destinations[0].what == "deployment m/a"
    assert found.local == (Local(what="ledger", where="a file"),)
    assert all(place.why for place in found.destinations if not place.allowed)


def test_a_url_that_is_refused_is_told_as_such() -> None:
    place = manifest(AllowList(), [at("http://user:pa55@127.0.0.1:8000")]).destinations[0]

    assert not place.allowed
    assert "password" in place.why
    assert "pa55" not in repr(place)


def test_a_layer_is_active_only_while_a_gateway_serves_and_the_hosts_only_when_it_is_seen() -> None:
    def active(gateway: Running | None) -> list[bool]:
        return [layer.active for layer in manifest(AllowList(), [], gateway=gateway).layers]

    assert active(None) == [False, False, False, False]
    assert active(Running(process=7, host=None)) == [True, True, True, False]
    assert active(Running(process=7, host="it has loopback alone")) == [True, True, True, True]


def test_a_layer_says_how_it_is_known() -> None:
    *ours, hosts = manifest(AllowList(), [], gateway=Running(process=7, host=None)).layers

    assert all("process 7 serves this data folder" in layer.known for layer in ours)
    assert hosts.known.startswith("not seen")
    assert "no gateway serves" in manifest(AllowList(), []).layers[0].known
    assert "a process serves" in manifest(AllowList(), [], gateway=Running(process=None, host=None)).layers[0].known
