"""What the configuration file may say. Each setting carries its help; defaults are the safe choice.

`docs/settings.md`, the JSON Schema and the words in error messages are all made from here.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from appliance.config.entities import KeyEntry, ModelEntry, PriceEntry
from appliance.config.privacy import Privacy

LOOPBACK = ("127.0.0.0/8", "::1/128", "localhost")
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - recognised in order to be refused without TLS

Port = Annotated[int, Meta(ge=0, le=65535, title="a TCP port, a whole number from 0 to 65535")]
Positive = Annotated[int, Meta(ge=1, le=2**40, title="a whole number >= 1")]
Span = Annotated[float, Meta(gt=0, le=86400, title="a number of seconds > 0")]
File = Annotated[str, Meta(min_length=1, title="a path")]


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Certificate and key of a listener, PEM. Read again when the files change."""

    cert: Annotated[File, Meta(description="Certificate, with its chain.")]
    key: Annotated[File, Meta(description="Private key; readable by its owner alone.")]
    client_ca: Annotated[
        File | None, Meta(description="Ask clients for a certificate signed by one of these authorities.")
    ] = None


class Listener(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One address the gateway answers on."""

    host: Annotated[str, Meta(min_length=1, title="an address", description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port to listen on.")] = 4000
    tls: Annotated[Tls | None, Meta(description="Serve https with this certificate.")] = None
    plain_http: Annotated[
        bool, Meta(description="Allow http beyond loopback. Keys then cross the network in the clear.")
    ] = False
    hosts: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:\[\]-]+$", title="a host name without port")], ...],
        Meta(description="Names clients may ask for (`Host`), beside the loopback names and `host` itself."),
    ] = ()

    @property
    def beyond_loopback(self) -> bool:
        """True when other machines can reach it."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Every host name, lower-case and without port, that a request may carry in `Host`."""
        own = () if self.host in ANY_ADDRESS else (f"[{self.host}]" if ":" in self.host else self.host,)
        return tuple(dict.fromkeys(name.lower() for name in (*LOCAL_NAMES, *own, *self.hosts)))


class AdminListener(Listener, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the admin API and `/metrics` answer, and nothing else does."""

    port: Annotated[Port, Meta(description="Port to listen on.")] = 4001


class Listen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The two listeners."""

    api: Annotated[Listener, Meta(description="Where clients call models.")] = Listener()
    admin: Annotated[AdminListener, Meta(description="Where administrators work.")] = AdminListener()


class Egress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where this process may connect to."""

    allow: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=253, title="a network or a host name")], ...],
        Meta(
            description="Networks (CIDR) and addresses that may be dialled, names (`*.site.example` too) that may be "
            "looked up. Every address a name resolves to must lie in a listed network."
        ),
    ] = LOOPBACK


class Plugins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Adapters that did not come with Redoubt."""

    allow: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=64, title="a provider's name")], ...],
        Meta(
            description="Providers that may be loaded from installed packages. "
            "A plugin is code: name only what you trust."
        ),
    ] = ()


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large and how slow a request may be, and how many there may be at once."""

    body_bytes: Annotated[Positive, Meta(description="Largest request body.")] = 32 * 1024 * 1024
    headers: Annotated[Positive, Meta(description="Most header fields.")] = 100
    header_bytes: Annotated[Positive, Meta(description="Most bytes of request line and header fields.")] = 16384
    json_depth: Annotated[
        int, Meta(ge=4, le=256, title="a whole number from 4 to 256", description="Deepest nesting of a JSON body.")
    ] = 64
    header_seconds: Annotated[Span, Meta(description="Seconds to send the whole header.")] = 10.0
    body_seconds: Annotated[Span, Meta(description="Seconds to send the whole body, however fast it comes.")] = 300.0
    body_min_rate: Annotated[Positive, Meta(description="Slowest body, in bytes per second.")] = 1024
    body_grace_seconds: Annotated[Span, Meta(description="Seconds before `body_min_rate` is held against a body.")] = (
        10.0
    )
    idle_seconds: Annotated[Span, Meta(description="Seconds a connection may stay open between requests.")] = 75.0
    stall_seconds: Annotated[
        Span, Meta(description="Seconds a client may leave an answer unread before its connection is ended.")
    ] = 30.0
    connections: Annotated[Positive, Meta(description="Most connections of one listener.")] = 4096
    connections_per_peer: Annotated[Positive, Meta(description="Most connections from one address.")] = 1024
    max_streams: Annotated[Positive, Meta(description="Most requests being answered at the same time.")] = 2048


class Stop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the gateway stops."""

    drain_seconds: Annotated[
        float,
        Meta(
            ge=0, le=3600, title="a number of seconds >= 0", description="Seconds that running streams get to finish."
        ),
    ] = 30.0


class Log(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written to standard error: one JSON object a line, never a body, never a secret."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least level written.")] = "info"


class Site(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One site: everything its configuration file says. Paths are absolute once loaded."""

    listen: Annotated[Listen, Meta(description="Listeners.")] = Listen()
    data: Annotated[File, Meta(description="Folder of the store, the ledger and the master key; mode 0700.")] = "data"
    master_key: Annotated[
        File | None, Meta(description="Master key file, mode 0400; without it, `master.key` in the data folder.")
    ] = None
    egress: Annotated[Egress, Meta(description="Outgoing connections.")] = Egress()
    plugins: Annotated[Plugins, Meta(description="Third-party adapters.")] = Plugins()
    limits: Annotated[Bounds, Meta(description="Bounds on requests.")] = Bounds()
    stop: Annotated[Stop, Meta(description="Stopping.")] = Stop()
    reasoning: Annotated[
        Literal["both", "reasoning", "reasoning_content"],
        Meta(description="Under which name a model's reasoning is given to clients."),
    ] = "both"
    log: Annotated[Log, Meta(description="Logging.")] = Log()
    privacy: Annotated[Privacy, Meta(description="Personal data and secrets in requests and answers.")] = Privacy()
    default_price: Annotated[
        Annotated[Literal[0], Meta(title="the whole number 0, or a price")] | PriceEntry | UnsetType | None,
        Meta(
            description="Price of deployments that declare none: a price, or `0` (free, reported as unpriced by "
            "declaration). `null`: such models are refused. Not written: `redoubt apply` leaves the store's as it is."
        ),
    ] = UNSET
    models: Annotated[tuple[ModelEntry, ...], Meta(description="Models, for `init` and `apply`.")] = ()
    keys: Annotated[tuple[KeyEntry, ...], Meta(description="Keys, for `init` and `apply`; never their values.")] = ()

    @property
    def data_folder(self) -> Path:
        return Path(self.data)

    @property
    def master_key_file(self) -> Path:
        return Path(self.master_key) if self.master_key else self.data_folder / "master.key"
