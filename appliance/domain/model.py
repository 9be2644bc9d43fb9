"""Models, as clients know them, and the deployments that serve them."""

from typing import Annotated

import msgspec

from appliance.domain.ids import DeploymentId, ModelName, ProviderName
from appliance.domain.money import Price
from appliance.domain.secret import Secret

Positive = Annotated[float, msgspec.Meta(gt=0)]
Option = str | int | float | bool


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deadlines of one attempt and of the whole request, in seconds."""

    connect: Positive = 5.0
    first_byte: Positive = 300.0  # until the first good event; a cold model load sends no byte for minutes
    between_chunks: Positive = 60.0
    total: Positive = 900.0  # over all attempts


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One upstream model on one endpoint."""

    model: ModelName
    label: str  # public: it stands in `x-redoubt-deployment`
    provider: ProviderName
    url: str  # base of the endpoint, checked at registration
    upstream_model: str  # never shown to a client
    weight: float = 1.0
    max_parallel: int | None = None
    timeouts: Timeouts = Timeouts()
    price: Price | None = None  # None: the site's declared default, or the model is refused
    options: dict[str, Option] = {}  # provider-specific, checked by the provider (`num_ctx`, `keep_alive`, `lora`, ...)
    credential: str | None = None  # reference to a secret: `file:…` or `env:…`; the store never holds the value
    secret: Secret | None = None  # the resolved credential; set at load, never stored
    ca_file: str | None = None  # PEM of the site's CA for an https endpoint
    media_urls: bool = False  # operator allows http(s) media URLs to reach this server; `data:` always may
    enabled: bool = True

    @property
    def id(self) -> DeploymentId:
        return DeploymentId(f"{self.model}/{self.label}")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A public model name with the deployments behind it."""

    name: ModelName
    deployments: tuple[Deployment, ...]
    strategy: str = "weighted"  # `weighted` or `least-busy`
    privacy: str | None = None  # the name of its privacy policy; it can only be stricter than the site's
    attempts: int = 3  # at most this many deployments are tried for one request


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint says of one of its models."""

    id: str
    context: int | None = None  # tokens, prompt and answer together
    capabilities: tuple[str, ...] = ()  # of: chat completions embeddings tools vision reasoning insert
    parent: str | None = None  # base model, when this is a LoRA adapter
    loaded: bool | None = None
    remote: bool = False  # served by somebody else's cloud: refused on an isolated site


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """State of an endpoint: `live` answers, `loading` will, `dead` will not. `why` may be shown to an operator only."""

    state: str  # live | loading | dead
    why: str = ""
    version: str | None = None


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Queue of an endpoint, as it tells itself. None where it does not say."""

    running: float | None = None
    waiting: float | None = None
    cache_used: float | None = None  # 0..1
    loaded: bool | None = None  # False: the model is not in memory, and the next request waits for it


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor's card about an endpoint."""

    check: str  # short stable id, such as `unauthenticated-routes`
    level: str  # ok | warn | fail
    text: str  # what was seen, and what to do now
