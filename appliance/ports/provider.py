"""What an adapter to a kind of inference server promises. Adapters translate; they open no socket of their own."""

from typing import Protocol

import msgspec

from appliance.domain.model import Deployment, Finding, Health, Load, ModelInfo
from appliance.domain.upstream import Call, Failure, Part, StreamEvent, WholeAnswer
from appliance.ports.upstream import Fetch


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What others may ask about a provider, so that its name stands nowhere else."""

    name: str
    title: str  # as its makers write it
    default_port: int | None = None  # where quickstart looks for it on loopback
    options: dict[str, str] = {}  # deployment option -> one line of help; any other option is refused
    base_path: str = ""  # what operators append to a url by habit and should not (`/v1`)


class Decoder(Protocol):
    """Sans-I/O reader of one streamed answer. Made new for each part; not to be used after Broken or Finished."""

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Events that `data` completes, under any split of the stream. Never raises on bad bytes: yields Broken."""
        ...

    def end(self) -> list[StreamEvent]:
        """The body ended cleanly: the rest, and Finished or Broken(INCOMPLETE) unless one was given already."""
        ...


class Provider(Protocol):
    """Speaks to one kind of server. Stateless: one instance serves all its deployments."""

    traits: Traits

    def check(self, deployment: Deployment) -> list[str]:
        """Problems of a deployment's url, upstream model and options, in words for the operator. Empty: none."""
        ...

    def prepare(self, call: Call, to: Deployment) -> tuple[Part, ...]:
        """Translate. More than one part when the server cannot give all choices or prompts at once.

        Raises BadRequest for a field this server cannot honour and that may not be dropped silently.
        """
        ...

    def decoder(self, call: Call, to: Deployment) -> Decoder:
        """A reader for the streamed answer to one part."""
        ...

    def whole(self, call: Call, to: Deployment, body: bytes) -> WholeAnswer:
        """Translate a 200 answer that was not streamed. Raises UpstreamError (PROTOCOL, GENERATION, ...)."""
        ...

    def classify(self, status: int, body: bytes) -> Failure:
        """Say why an answer that is not 200 came. Never raises."""
        ...

    def reported_load(self, header: str | None) -> Load | None:
        """Parse the load report that came with an answer, when this server sends one in `load_header`."""
        ...

    load_header: str | None

    async def discover(self, fetch: Fetch, of: Deployment) -> list[ModelInfo]:
        """Models of the endpoint. Raises UpstreamError."""
        ...

    async def health(self, fetch: Fetch, of: Deployment) -> Health:
        """Never triggers a generation or a pull. Never raises UpstreamError: an unreachable endpoint is `dead`."""
        ...

    async def load(self, fetch: Fetch, of: Deployment) -> Load | None:
        """Scrape the endpoint's own load figures; None where it has none. Raises UpstreamError."""
        ...

    async def examine(self, fetch: Fetch, of: Deployment) -> list[Finding]:
        """The doctor's checks that only make sense for this kind of server. Never raises UpstreamError."""
        ...
