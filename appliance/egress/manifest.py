"""Where this configuration can connect, and what holds it to that. Pure data for `redoubt egress manifest`."""

from collections.abc import Iterable

import msgspec

from appliance.domain.model import Deployment
from appliance.egress.address import numeric
from appliance.egress.guard import AllowList
from appliance.egress.url import check_url, origin


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """One place the gateway may be asked to connect to."""

    what: str  # `deployment llama/a`, `counters`, ...
    host: str
    port: int
    resolved: str  # `literal`: an address; `resolver`: looked up at each dial; `none`: the url is refused
    tls: bool
    enabled: bool
    allowed: bool
    why: str = ""  # why not, or what is still open until the name is looked up


class Local(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would connect in another configuration, and in this one does not."""

    what: str
    where: str


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One of the things between a line of code and the network."""

    name: str
    active: bool
    covers: str
    known: str  # what says that it is active, or why it is not


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer of `redoubt egress manifest`."""

    allow: tuple[str, ...]  # as configured
    destinations: tuple[Destination, ...]
    local: tuple[Local, ...]
    layers: tuple[Layer, ...]


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """A destination that is not a deployment: a database, counters, an identity provider."""

    what: str
    url: str  # http(s), or `host:port` of another protocol written as `http://host:port`


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that serves this data folder now."""

    process: int | None  # None: it did not say
    host: str | None  # what the operating system holds it to; None: not seen


def manifest(
    allow: AllowList,
    deployments: Iterable[Deployment],
    others: Iterable[Other] = (),
    *,
    local: Iterable[Local] = (),
    gateway: Running | None = None,
) -> Manifest:
    """What this configuration can reach, and what stands in between while `gateway` serves."""
    found = [_destination(allow, f"deployment {one.id}", one.url, enabled=one.enabled) for one in deployments]
    found += [_destination(allow, other.what, other.url) for other in others]
    return Manifest(allow=allow.entries, destinations=tuple(found), local=tuple(local), layers=layers(gateway))


def layers(gateway: Running | None) -> tuple[Layer, ...]:
    """From the innermost out."""
    serves = gateway is not None
    if gateway is None:
        ours = "no gateway serves this data folder; `redoubt serve` arms it"
    else:
        process = "a process" if gateway.process is None else f"process {gateway.process}"
        ours = f"`redoubt serve` armed it: {process} serves this data folder"
    host = gateway.host if gateway else None
    return (
        Layer(
            name="dial guard",
            active=serves,
            covers="every request to a model server: one look-up, every address checked, the checked address dialled",
            known=ours,
        ),
        Layer(
            name="loop fuse",
            active=serves,
            covers="connections, datagrams, look-ups and subprocesses of any library on the event loop",
            known=ours,
        ),
        Layer(
            name="audit hook",
            active=serves,
            covers="plain sockets, look-ups and subprocesses of any library in any thread",
            known=ours,
        ),
        Layer(
            name="operating system",
            active=host is not None,
            covers="native code that connects by itself: left to the host's firewall and service sandbox",
            known=host or ("not seen; a firewall cannot be seen from here" if serves else "no gateway to look at"),
        ),
    )


def _destination(allow: AllowList, what: str, url: str, *, enabled: bool = True) -> Destination:
    if problems := check_url(url):
        return Destination(  # not the url: what makes it refused may be a password in it
            what=what,
            host="",
            port=0,
            resolved="none",
            tls=False,
            enabled=enabled,
            allowed=False,
            why="; ".join(problems),
        )
    where = origin(url)
    why = allow.host_refusal(where.host)
    literal = numeric(where.host)
    return Destination(
        what=what,
        host=where.host,
        port=where.port,
        resolved="literal" if literal else "resolver",
        tls=where.scheme == "https",
        enabled=enabled,
        allowed=why is None,
        why=why or ("" if literal else "every address of the name must be listed too"),
    )
