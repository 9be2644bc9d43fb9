"""Where this configuration can connect, and what holds it to that. Pure data for `redoubt egress manifest`."""

from collections.abc import Iterable

import msgspec

from appliance.domain.model import Deployment
from appliance.egress.address import parse
from appliance.egress.guard import AllowList
from appliance.egress.url import check_url, origin


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """One place the gateway may be asked to connect to."""

    what: str  # `deployment llama/a`, `store`, `counters`, ...
    host: str
    port: int
    resolved: str  # `literal`: an address; `resolver`: looked up at each dial; `none`: the url is refused
    tls: bool
    allowed: bool
    why: str = ""  # why not, or what is still open until the name is looked up


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One of the things between a line of code and the network."""

    name: str
    active: bool
    covers: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer of `redoubt egress manifest`."""

    allow: tuple[str, ...]  # as configured
    destinations: tuple[Destination, ...]
    layers: tuple[Layer, ...]


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """A destination that is not a deployment: a database, counters, an identity provider."""

    what: str
    url: str  # http(s), or `host:port` of another protocol written as `http://host:port`


def manifest(
    allow: AllowList, deployments: Iterable[Deployment], others: Iterable[Other] = (), *, fused: bool = False
) -> Manifest:
    """What this configuration can reach. `fused`: the loop and the audit hook of `egress.fuse` are armed."""
    asked = [(f"deployment {deployment.id}", deployment.url) for deployment in deployments]
    asked += [(other.what, other.url) for other in others]
    return Manifest(
        allow=allow.entries,
        destinations=tuple(_destination(allow, what, url) for what, url in asked),
        layers=layers(fused=fused),
    )


def layers(*, fused: bool) -> tuple[Layer, ...]:
    """From the innermost out."""
    return (
        Layer(
            name="dial guard",
            active=True,
            covers="every request to a model server: one look-up, every address checked, the checked address dialled",
        ),
        Layer(
            name="loop fuse",
            active=fused,
            covers="connections, datagrams, look-ups and subprocesses of any library on the event loop",
        ),
        Layer(
            name="audit hook",
            active=fused,
            covers="plain sockets, look-ups and subprocesses of any library in any thread",
        ),
        Layer(
            name="rules of the operating system",
            active=False,
            covers="native code that connects by itself: left to the host's firewall and service sandbox",
        ),
    )


def _destination(allow: AllowList, what: str, url: str) -> Destination:
    if problems := check_url(url):
        return Destination(  # not the url: what makes it refused may be a password in it
            what=what, host="", port=0, resolved="none", tls=False, allowed=False, why="; ".join(problems)
        )
    where = origin(url)
    try:
        why = allow.refusal(parse(where.host))
        resolved = "literal"
    except ValueError:
        resolved = "resolver"
        why = None if allow.names(where.host) else f"the name `{where.host}` is not in the egress allow-list"
    return Destination(
        what=what,
        host=where.host,
        port=where.port,
        resolved=resolved,
        tls=where.scheme == "https",
        allowed=why is None,
        why=why or ("every address of the name must be listed too" if resolved == "resolver" else ""),
    )
