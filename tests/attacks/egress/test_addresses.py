"""Every way known to us of writing an address that a list should stop."""

import httpx
import pytest

from appliance.egress.guard import AllowList, EgressRefused, Guard
from appliance.egress.transport import PooledTransport
from appliance.egress.url import check_url

# The operator listed 127.9.0.0/16, so that a test that fails still leaves no machine. `example` names look up nothing.
# Well formed: only the list can stop them.
PLAIN = [
    "http://127.0.0.1:9/",
    "http://0.0.0.0:9/",
    "http://255.255.255.255:9/",
    "http://169.254.169.254:9/",
    "http://169.254.170.2:9/",
    "http://100.100.100.200:9/",
    "http://168.63.129.16:9/",
    "http://192.0.0.192:9/",
    "http://10.0.0.1:9/",
    "http://172.16.0.1:9/",
    "http://192.168.0.1:9/",
    "http://100.64.0.1:9/",
    "http://198.18.0.1:9/",
    "http://224.0.0.1:9/",
    "http://240.0.0.1:9/",
    "http://[::1]:9/",
    "http://[::]:9/",
    "http://[::127.9.0.1]:9/",
    "http://[::127.0.0.1]:9/",
    "http://[::ffff:127.0.0.1]:9/",
    "http://[::ffff:7f00:1]:9/",
    "http://[0:0:0:0:0:ffff:7f00:1]:9/",
    "http://[::ffff:169.254.169.254]:9/",
    "http://[::ffff:0:127.0.0.1]:9/",
    "http://[::ffff:0:127.9.0.1]:9/",
    "http://[64:ff9b::7f00:1]:9/",
    "http://[64:ff9b::127.9.0.1]:9/",
    "http://[64:ff9b:1::127.9.0.1]:9/",
    "http://[64:ff9b::a9fe:a9fe]:9/",
    "http://[2002:7f00:1::]:9/",
    "http://[2002:7f09:1::]:9/",
    "http://[2001:0:7f09:1::]:9/",
    "http://[2001:0::80f6:fffe]:9/",
    "http://[fd00::5efe:127.9.0.1]:9/",
    "http://[fe80::1]:9/",
    "http://[fec0::1]:9/",
    "http://[fd00:ec2::254]:9/",
    "http://[fd20:ce::254]:9/",
    "http://[ff02::1]:9/",
    "http://localhost:9/",
    "http://LOCALHOST.:9/",
    "http://metadata.example:9/",
]
# Spellings that parsers disagree about: refused when registered, and still dialled nowhere.
ODD = [
    "http://127.1:9/",
    "http://2130706433:9/",
    "http://0x7f000001:9/",
    "http://0x7f.0.0.1:9/",
    "http://0177.0.0.1:9/",
    "http://017700000001:9/",
    "http://127.0.0.1.:9/",
    "http://0:9/",
    "http://2852039166:9/",
    "http://0xa9fea9fe:9/",
    "http://[fe80::1%25lo]:9/",
    "http://[fe80::1%lo]:9/",
    "http://[::1%lo]:9/",
    "http://a@127.0.0.1:9/",
    "http://127.9.9.9:9@127.0.0.1:9/",
    "http://127.0.0.1#@127.9.9.9/",
    "http://127.0.0.1?@127.9.9.9/",
    "http://127.0.0.1%00.example:9/",
    "http://127.0.0.1%2f@127.9.9.9/",
    "http://%31%32%37.0.0.1:9/",
    "http://①②⑦.⓪.⓪.①:9/",
    "http://127。0。0。1:9/",
    "http://\uff11\uff12\uff17.0.0.1:9/",
    "http://127.0.0.1\\@127.9.9.9/",
    "http://127.9.9.9\\.127.0.0.1/",
    "http://127.9.9.9:9\r\nHost: x/",
    "http://127.9.9.9:9/\r\nX: y",
    "http://127.9.9.9\t:9/",
    "http:///x",
    "http://",
    "ftp://127.9.9.9/",
    "file:///etc/passwd",
    "unix:///run/docker.sock",
    "gopher://127.9.9.9/",
]
FORBIDDEN = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "ff02::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "fec0::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "64:ff9b:1::7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::",
    "2001:0:1:1::5601:5601",
    "fd00::5efe:169.254.169.254",
    "fd00::200:5efe:169.254.169.254",
    "fe80::1%eth0",
    "127.1",
    "0x7f.1",
]


async def _loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("url", PLAIN + ODD)
async def test_no_spelling_reaches_an_address_that_is_not_listed(url: str) -> None:
    guard = Guard(AllowList(["127.9.0.0/16", "localhost"]), resolve=_loopback)
    refused = (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError)

    with pytest.raises(refused) as caught:
        await PooledTransport(guard).handle_async_request(httpx.Request("GET", url))

    if isinstance(caught.value, httpx.ConnectError):
        assert isinstance(caught.value.__cause__, EgressRefused)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_some_addresses_are_refused_although_everything_is_listed(address: str) -> None:
    assert not AllowList(["0.0.0.0/0", "::/0"]).permits(address)


@pytest.mark.parametrize("url", ODD)
def test_a_url_that_parsers_read_differently_is_refused_when_it_is_registered(url: str) -> None:
    assert check_url(url)


@pytest.mark.parametrize("url", PLAIN)
def test_a_url_that_is_only_unlisted_is_well_formed(url: str) -> None:
    assert check_url(url) == []
