"""What the smaller OpenAI-shaped servers may differ in."""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from providers.simulated.compose import Plan
from providers.simulated.dialogue import ChatBody
from providers.simulated.events import Event, Framing
from providers.simulated.faults import Fault
from providers.simulated.generate import logprob, seed_of
from providers.simulated.settings import Settings

CHAT = "/v1/chat/completions"
TEXTS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
RESPONSES = "/v1/responses"


class Refused(Exception):
    """A request answered with an error status; a text instead of an object is what a crashed handler leaves."""

    def __init__(self, status: int, body: dict[str, Any] | str) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


CRASHED = "Internal Server Error"


class SilentStream(Exception):
    """A streamed request that fails after its 200 was sent: no event comes."""


class Run(msgspec.Struct, kw_only=True):
    """A request under way."""

    id: str  # a UUID
    model: str
    created: int
    prompt_tokens: int
    plan: Plan
    texts: bool = False  # `/v1/completions` instead of chat
    top_logprobs: int | None = None  # rivals told for each token; None: no log probabilities
    named: bool = False  # was one tool asked for by name?

    def usage(self) -> dict[str, int]:
        """The usage object."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.plan.tokens,
            "total_tokens": self.prompt_tokens + self.plan.tokens,
        }

    @property
    def finish(self) -> str:
        """OpenAI's word for why it stopped."""
        if self.plan.finish == "length":
            return "length"
        return "tool_calls" if self.plan.calls else "stop"

    def rivals(self, piece: str, at: int) -> list[tuple[str, float]]:
        """The tokens that might have stood there, with their log probabilities; the first is the one that does."""
        most = logprob(seed_of(self.model, piece), at)
        return [
            (piece if not rank else f"{piece}{rank}", most - rank) for rank in range(max(1, self.top_logprobs or 0))
        ]


class Dialect(Protocol):
    """What differs."""

    name: str
    framing: Framing
    without: frozenset[Fault]
    routes: frozenset[str]
    """Paths that generate."""
    answer_headers: Mapping[str, str]
    """On every answer that is no error."""
    stream_headers: Mapping[str, str]
    """On every stream, besides."""

    def body(self, raw: bytes, content_type: str, path: str) -> dict[str, Any]:
        """The request's object. Raises Refused."""

    def check(self, settings: Settings, path: str, raw: dict[str, Any]) -> None:
        """Look at the fields. Raises Refused."""

    def malformed(self, path: str, said: str) -> Refused:
        """The error for a field of the wrong type; `said` tells which, and what was wanted."""

    def limit(self, settings: Settings, path: str, tokens: int, raw: dict[str, Any]) -> int:
        """Tokens the answer may have, after a prompt of `tokens`. Raises Refused, or SilentStream."""

    def choice(self, body: ChatBody) -> object:
        """The tool choice as far as this server heeds it."""

    def model(self, settings: Settings, asked: str | None) -> str:
        """The model named in the answer."""

    def events(self, run: Run) -> Iterable[Event]:
        """A streamed answer."""

    def whole(self, run: Run) -> dict[str, Any]:
        """An answer that is not streamed."""

    def embeddings(self, settings: Settings, raw: dict[str, Any]) -> list[str]:
        """The texts to embed. Raises Refused."""

    def models(self, settings: Settings, created: int) -> dict[str, Any]:
        """`GET /v1/models`."""

    def health(self) -> dict[str, Any] | None:
        """`GET /health`, where there is one."""

    def failure(self) -> list[Event]:
        """What a stream says when generation fails in its middle."""

    def refusal(self, settings: Settings, fault: Fault, path: str) -> Refused | None:
        """What it says for a fault that is an error status."""


def decoded(raw: bytes) -> Any:
    """JSON as the servers' own decoder reads it. Raises json.JSONDecodeError, whose position they tell."""
    return json.loads(raw.decode(errors="replace"))


def new_id(number: int) -> str:
    """A UUID that is the same in every run."""
    return str(uuid.UUID(int=seed_of("id", number) << 64 | seed_of("id too", number), version=4))
