"""Any other server that speaks OpenAI's dialogue: llama.cpp, SGLang, LM Studio, TEI, transformers serve.

They agree on the chat route and little else, so what differs is an option of the deployment:

| server             | options                                          |
|--------------------|--------------------------------------------------|
| llama.cpp          | none                                             |
| llama-cpp-python   | none; start it with `--interrupt_requests false` |
| SGLang             | `native_choices: true`                           |
| LM Studio          | none                                             |
| transformers serve | `strict_fields: true` (422 for unknown fields)   |
"""

import re
from typing import Any, Final

import msgspec

from appliance.domain.errors import BadRequest
from appliance.domain.model import Deployment, Finding, Health, Load, ModelInfo
from appliance.domain.upstream import Body, Call, Failure, FailureKind, Kind, UpstreamError
from appliance.ports.provider import Traits
from appliance.ports.upstream import Fetch
from providers import survey
from providers.fields import answer_limit, select
from providers.openai_wire import OpenAIWire

# What transformers serve takes; it answers 422 for anything more.
_STRICT: Final = frozenset(
    {"frequency_penalty", "logit_bias", "max_tokens", "messages", "model", "prompt", "seed", "stop", "stream"}
    | {"temperature", "tools", "top_p", "input", "dimensions", "encoding_format"}
)
_MISFIT: Final = re.compile(r"\d{1,4} validation errors?:\n|Tool choice '")  # at the start: all else may be an echo
_RUNNING: Final = ("llamacpp:requests_processing", "sglang:num_running_reqs", "vllm:num_requests_running")
_WAITING: Final = ("llamacpp:requests_deferred", "sglang:num_queue_reqs", "vllm:num_requests_waiting")
_CACHE: Final = ("llamacpp:kv_cache_usage_ratio", "sglang:token_usage", "vllm:kv_cache_usage_perc")


class OpenAICompatible(OpenAIWire):
    traits = Traits(
        name="openai_compatible",
        title="OpenAI-compatible server",
        default_port=8081,  # where llama.cpp is looked for: its own 8080 is TGI's
        options={
            "include_usage": "false: do not ask for usage in streams (servers that refuse `stream_options`)",
            "native_choices": "true: the server takes `n` and prompt lists itself; else one request is sent a choice",
            "strict_fields": "true: send only fields every server knows (transformers serve refuses others)",
        },
        base_path="/v1",
    )
    option_types = {  # noqa: RUF012 - declared ClassVar by OpenAIWire
        "include_usage": (bool,),
        "native_choices": (bool,),
        "strict_fields": (bool,),
    }

    def one_at_a_time(self, call: Call, to: Deployment) -> bool:
        return call.kind is not Kind.EMBEDDINGS and not to.options.get("native_choices", False)

    def translate(self, call: Call, body: Body, to: Deployment) -> Body:
        sent = super().translate(call, body, to)
        limit = answer_limit(sent)
        sent.pop("max_completion_tokens", None)  # not all of them know the newer name
        if limit is not None:
            sent["max_tokens"] = limit
        if not to.options.get("include_usage", True):
            sent.pop("stream_options", None)
        if not to.options.get("strict_fields", False):
            return sent
        _check_last(sent.get("messages"))
        return select(sent, _STRICT)

    def classify(self, status: int, body: bytes) -> Failure:
        failure = super().classify(status, body)
        if status != 500 or not _MISFIT.match(failure.message):
            return failure
        # llama-cpp-python takes a request it does not understand for a failure of its own, and names its file.
        message = failure.message.partition("\n\n  File ")[0]
        return msgspec.structs.replace(failure, kind=FailureKind.BAD_REQUEST, message=message)

    async def discover(self, fetch: Fetch, of: Deployment) -> list[ModelInfo]:
        capabilities = await survey.openai_capabilities(fetch, of)
        models = await survey.openai_models(fetch, of, capabilities)
        window = await _window(fetch, of)
        return [model if window is None else _with_context(model, window) for model in models]

    async def health(self, fetch: Fetch, of: Deployment) -> Health:
        return await survey.health(fetch, of, "/health", "/v1/models")

    async def load(self, fetch: Fetch, of: Deployment) -> Load | None:
        found = await survey.metrics(fetch, of)
        if found is None:
            return None
        load = Load(
            running=survey.total(found, *_RUNNING),
            waiting=survey.total(found, *_WAITING),
            cache_used=survey.highest(found, *_CACHE),
        )
        return None if load == Load() else load

    async def examine(self, fetch: Fetch, of: Deployment) -> list[Finding]:
        health = await self.health(fetch, of)
        if health.state == "dead":
            return survey.unreachable(health.why)
        findings = []
        try:
            findings += survey.model_findings(await self.discover(fetch, of), of)
        except UpstreamError as e:
            # transformers serve has no list of models without a network.
            findings.append(survey.warn("model", f"the endpoint does not list its models: {e.failure.message}"))
        if await _breaks_off(fetch, of):
            text = (
                "llama-cpp-python breaks a running stream off when another request comes, also one of the same fan-out "
                "of `n`, unless it was started with `--interrupt_requests false`; it does not tell whether it was"
            )
            findings.append(survey.warn("interruptions", text))
        findings.append(await survey.key_finding(fetch, of, "/v1/models"))
        if await survey.status_for_stranger(fetch, of, "/slots") == 200:
            text = "`/slots` shows everybody's prompts to whoever reaches the server; start llama.cpp with `--no-slots`"
            findings.append(survey.fail("slots", text))
        return findings


def _check_last(messages: Any) -> None:
    """Refuse what transformers serve answers with an empty object: a prompt that ends in an answer."""
    last = messages[-1] if isinstance(messages, list) and messages else None
    if isinstance(last, dict) and last.get("role") == "assistant":
        raise BadRequest("the server of this model cannot continue an answer; end with another role", param="messages")


async def _window(fetch: Fetch, of: Deployment) -> int | None:
    """The effective context window of llama.cpp, which its list of models does not tell."""
    props = await survey.glance(fetch, of, "/props")
    settings = props.get("default_generation_settings")
    window = settings.get("n_ctx") if isinstance(settings, dict) else props.get("n_ctx")
    return window if type(window) is int else None


async def _breaks_off(fetch: Fetch, of: Deployment) -> bool:
    """True for llama-cpp-python, known by its model cards. llama.cpp's own server keeps its streams apart."""
    cards = (await survey.glance(fetch, of, "/v1/models")).get("data")
    return isinstance(cards, list) and any(
        isinstance(card, dict) and card.get("owned_by") == "me" and "permissions" in card for card in cards
    )


def _with_context(model: ModelInfo, window: int) -> ModelInfo:
    return ModelInfo(
        id=model.id, context=window, capabilities=model.capabilities, parent=model.parent, loaded=model.loaded
    )
