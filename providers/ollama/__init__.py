"""Ollama (read: 0.33), by its native routes `/api/chat`, `/api/generate` and `/api/embed`. `request` says why."""

from typing import ClassVar, Final

import msgspec

from appliance.domain.model import Deployment, Finding, Health, Load, ModelInfo
from appliance.domain.upstream import Body, Call, Failure, Kind, Part, WholeAnswer
from appliance.ports.provider import Decoder, Traits
from appliance.ports.upstream import Fetch
from providers import failures
from providers.fields import fan_out
from providers.media import check_media
from providers.ollama import answer, examine, request
from providers.openai_wire import option_problems, url_problems

_ENCODER: Final = msgspec.json.Encoder()
_PATHS: Final = {Kind.CHAT: "/api/chat", Kind.COMPLETION: "/api/generate", Kind.EMBEDDINGS: "/api/embed"}


class Ollama:
    traits = Traits(
        name="ollama",
        title="Ollama",
        default_port=11434,
        options={
            "keep_alive": "how long the model stays in memory: seconds, `5m`, or -1 for ever",
            "loose_tool_choice": "true: send a forced `tool_choice` as `auto`, since Ollama cannot force a call",
            "num_ctx": "context window in tokens, the same for every request of the deployment",
            "raw": "true: completions bypass the model's prompt template",
        },
        base_path="/v1",
    )
    option_types: ClassVar[dict[str, tuple[type, ...]]] = {
        "keep_alive": (str, int),
        "loose_tool_choice": (bool,),
        "num_ctx": (int,),
        "raw": (bool,),
    }
    load_header: str | None = None

    def check(self, deployment: Deployment) -> list[str]:
        problems = url_problems(deployment, self.traits)
        problems += option_problems(deployment, self.traits, self.option_types)
        if examine.in_cloud(deployment.upstream_model):
            problems.append(f"upstream_model `{deployment.upstream_model}` runs in Ollama's cloud, not on this site")
        pinned = deployment.options.get("num_ctx")
        if type(pinned) is int and pinned < 1:
            problems.append("option `num_ctx` must be at least 1")
        return problems

    def prepare(self, call: Call, to: Deployment) -> tuple[Part, ...]:
        check_media(call.body, to)
        path = _PATHS[call.kind]
        return tuple(
            Part(path=path, body=_ENCODER.encode(self._translate(call, body, to)), first_choice=first)
            for first, body in fan_out(call)
        )

    def _translate(self, call: Call, body: Body, to: Deployment) -> Body:
        if call.kind is Kind.EMBEDDINGS:
            return request.embed(body, to)
        return (request.chat if call.kind is Kind.CHAT else request.generate)(call, body, to)

    def decoder(self, call: Call, to: Deployment) -> Decoder:  # noqa: ARG002 - the port's signature
        return answer.OllamaStream(call)

    def whole(self, call: Call, to: Deployment, body: bytes) -> WholeAnswer:  # noqa: ARG002 - the port's signature
        return answer.whole(call, body)

    def classify(self, status: int, body: bytes) -> Failure:
        return failures.classify(status, body)

    def reported_load(self, header: str | None) -> Load | None:  # noqa: ARG002 - the port's signature
        return None

    async def discover(self, fetch: Fetch, of: Deployment) -> list[ModelInfo]:
        return await examine.discover(fetch, of)

    async def health(self, fetch: Fetch, of: Deployment) -> Health:
        return await examine.health(fetch, of)

    async def load(self, fetch: Fetch, of: Deployment) -> Load | None:
        return await examine.load(fetch, of)

    async def examine(self, fetch: Fetch, of: Deployment) -> list[Finding]:
        return await examine.examine(fetch, of)
