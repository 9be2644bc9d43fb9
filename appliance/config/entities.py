"""Models, deployments and keys as they are written in the file. Money stands in units of the billing currency.

They are applied to an empty store by `redoubt init`, afterwards only by `redoubt apply`. `desired.py` turns them into
the domain's values.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from appliance.config.amounts import micros
from appliance.config.privacy import PolicyName
from appliance.domain import names
from appliance.domain.identity import Role, Window
from appliance.domain.model import Timeouts
from appliance.domain.money import Price

_UNITS = "an amount of money, such as 0.15"
_TIMEOUTS = Timeouts()

Count = Annotated[int, Meta(ge=0, le=10**15, title="a whole number >= 0")]
Amount = Annotated[Decimal, Meta(title=_UNITS)]
Span = Annotated[float, Meta(gt=0, le=86400, title="a number of seconds > 0")]
KeyName = Annotated[str, Meta(pattern=names.KEY.pattern, max_length=names.KEY.longest, title=names.KEY.words)]
ModelId = Annotated[str, Meta(pattern=names.MODEL.pattern, max_length=names.MODEL.longest, title=names.MODEL.words)]
LabelId = Annotated[str, Meta(pattern=names.LABEL.pattern, max_length=names.LABEL.longest, title=names.LABEL.words)]
Address = Annotated[
    str,
    Meta(
        pattern=r"^https?://[!-.0-?A-\[\]-~][!-?A-\[\]-~]*$", title="an http:// or https:// address without user name"
    ),
]
Reference = Annotated[
    str,
    Meta(
        pattern=r"^(file|env):.+$",
        max_length=4096,
        title="a reference, `file:PATH` or `env:NAME`; never the secret itself",
    ),
]
PathName = Annotated[str, Meta(max_length=4096, title="a path")]
OptionValue = (
    Annotated[str, Meta(max_length=512)]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | float
    | bool  # a domain `Option`
)
Word = Annotated[str, Meta(max_length=64, title="a text")]
Line = Annotated[str, Meta(max_length=128, title="a text")]


class PriceEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tokens and GPU time cost."""

    empty: ClassVar[str] = "a price names at least one amount; `input: 0` alone is free, said aloud"

    input: Annotated[Amount, Meta(description="Units per 1,000,000 prompt tokens.")] = Decimal(0)
    cached: Annotated[
        Amount | None,
        Meta(description="Units per 1,000,000 prompt tokens answered from a prefix cache; without it, as `input`."),
    ] = None
    output: Annotated[Amount, Meta(description="Units per 1,000,000 completion tokens.")] = Decimal(0)
    gpu_second: Annotated[Amount, Meta(description="Units per second from an attempt's start to its end.")] = Decimal(0)

    def __post_init__(self) -> None:
        self.price()

    def price(self) -> Price:
        """As the domain keeps it. Raises ValueError for amounts out of range or finer than a micro."""
        return Price(
            input=micros(self.input),
            cached=None if self.cached is None else micros(self.cached),
            output=micros(self.output),
            gpu_second=micros(self.gpu_second),
        )


class LimitsEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key may use. What is not written is not limited."""

    rpm: Annotated[Count | None, Meta(description="Requests in any 60 seconds.")] = None
    tpm: Annotated[Count | None, Meta(description="Tokens, prompt and answer, in any 60 seconds.")] = None
    parallel: Annotated[Count | None, Meta(description="Requests at the same time.")] = None
    budget: Annotated[Amount | None, Meta(description="Money within `window`, in units of the currency.")] = None
    budget_tokens: Annotated[Count | None, Meta(description="Tokens within `window`.")] = None
    window: Annotated[Window, Meta(description="When budgets begin anew, by the UTC calendar.")] = Window.TOTAL

    def __post_init__(self) -> None:
        if self.budget is not None:
            micros(self.budget)


class TimeoutsEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deadlines of one attempt, and of the whole request."""

    connect: Annotated[Span, Meta(description="Seconds to reach the endpoint.")] = _TIMEOUTS.connect
    first_byte: Annotated[
        Span, Meta(description="Seconds until the first good event; a cold model load sends nothing for minutes.")
    ] = _TIMEOUTS.first_byte
    between_chunks: Annotated[Span, Meta(description="Seconds of silence inside an answer.")] = _TIMEOUTS.between_chunks
    total: Annotated[Span, Meta(description="Seconds for the request, over all attempts.")] = _TIMEOUTS.total


class DeploymentEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One upstream model on one endpoint."""

    label: Annotated[LabelId, Meta(description="Unique within the model; public, it stands in `x-redoubt-deployment`.")]
    provider: Annotated[
        Word,
        Meta(description="The kind of server: `vllm`, `ollama`, `tgi`, `openai_compatible`, or an allowed plugin's."),
    ]
    url: Annotated[Address, Meta(description="Base address of the endpoint. Its host must stand in `egress.allow`.")]
    model: Annotated[
        str,
        Meta(min_length=1, max_length=256, title="a text", description="The model's name there; clients never see it."),
    ]
    weight: Annotated[
        float, Meta(ge=0, le=1e6, title="a number >= 0", description="Share of requests beside the other deployments.")
    ] = 1.0
    max_parallel: Annotated[
        Annotated[int, Meta(ge=1, le=10**6, title="a whole number >= 1")] | None,
        Meta(description="Most requests at the same time; without it, unlimited."),
    ] = None
    timeouts: Annotated[TimeoutsEntry, Meta(description="Deadlines.")] = TimeoutsEntry()
    price: Annotated[
        PriceEntry | None, Meta(description="What it costs; without it, `default_price`. All zero: free, said aloud.")
    ] = None
    options: Annotated[
        dict[Word, OptionValue],
        Meta(max_length=64, description="Settings of this kind of server; `redoubt providers list` names them."),
    ] = {}
    credential: Annotated[
        Reference | None, Meta(description="What the endpoint asks for as bearer token: `file:PATH` or `env:NAME`.")
    ] = None
    ca_file: Annotated[
        PathName | None,
        Meta(description="PEM file of the site's authority, for an https endpoint; absolute over the admin API."),
    ] = None
    media_urls: Annotated[
        bool, Meta(description="Let http(s) media addresses in requests through to this server; `data:` always may.")
    ] = False
    enabled: Annotated[bool, Meta(description="Whether it is chosen at all.")] = True


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public model name and the deployments behind it."""

    name: Annotated[ModelId, Meta(description="What clients ask for.")]
    strategy: Annotated[Literal["weighted", "least-busy"], Meta(description="How a deployment is chosen.")] = "weighted"
    attempts: Annotated[
        int,
        Meta(ge=1, le=16, title="a whole number from 1 to 16", description="Most deployments tried for one request."),
    ] = 3
    privacy: Annotated[
        PolicyName | None, Meta(description="Privacy policy of requests to it, beside the site's; the stricter wins.")
    ] = None
    deployments: Annotated[
        tuple[DeploymentEntry, ...], Meta(min_length=1, title="a list of at least one", description="What serves it.")
    ]


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A virtual key, known here by its name. Its value is made by `redoubt`, shown once, and never stands in a file."""

    name: Annotated[KeyName, Meta(description="Unique among the keys in use.")]
    role: Annotated[Role, Meta(description="`member` calls models; `admin` administers as well.")] = Role.MEMBER
    models: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=128, title="a model's name, or '*'")], ...],
        Meta(max_length=1000, description="Models it may use; `['*']`: every model."),
    ] = ()
    limits: Annotated[LimitsEntry, Meta(description="What it may use.")] = LimitsEntry()
    fields: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=64, title="a request field")], ...],
        Meta(max_length=64, description="Guarded request fields it may send, such as `priority`."),
    ] = ()
    expires_at: Annotated[
        Annotated[datetime, Meta(tz=True, title="a moment with its zone, such as 2027-01-31T00:00:00Z")] | None,
        Meta(description="When it ends by itself."),
    ] = None
    metadata: Annotated[
        dict[Line, Annotated[str, Meta(max_length=512, title="a text")]],
        Meta(max_length=64, description="Notes of your own."),
    ] = {}
    privacy: Annotated[
        PolicyName | None, Meta(description="Privacy policy of its requests, beside the site's; the stricter wins.")
    ] = None
    workspace: Annotated[Line | None, Meta(description="Workspace it belongs to.")] = None
    team: Annotated[Line | None, Meta(description="Team it belongs to.")] = None
