"""Text Generation Inference (read: 3.3.7). Differences from the common wire:

- `model` selects a LoRA adapter, and an unknown one silently answers from the base model: `tgi` is sent instead;
- `presence_penalty: p` becomes a repetition penalty of p + 2, so that 0 spoils the answer;
- one choice of one prompt a request; `stop` is a list; `top_p` below 1; a grammar or tools, never both;
- every error inside a stream says 422, whatever its cause;
- tool calls all have the id `0`.
"""

from typing import Any, Final

from appliance.domain.errors import BadRequest
from appliance.domain.model import Deployment, Finding, Health, Load, ModelInfo
from appliance.domain.upstream import Body, Call, Failure, FailureKind, Kind, UpstreamError
from appliance.ports.provider import Traits
from appliance.ports.upstream import Fetch
from providers import failures, survey
from providers.fields import Grammar, answer_limit, grammar, refused, select, stop_list
from providers.openai_wire import OpenAIWire

_SHARED: Final = frozenset({"frequency_penalty", "model", "seed", "stream", "temperature", "top_p"})
_CHAT: Final = _SHARED | {
    "logprobs",
    "messages",
    "stream_options",
    "tool_choice",
    "tool_prompt",
    "tools",
    "top_logprobs",
}
_COMPLETION: Final = _SHARED | {"prompt"}
# Read here and translated, so that `select` must not see them.
_TRANSLATED: Final = frozenset(
    {"guided_choice", "guided_grammar", "guided_json", "guided_regex", "max_completion_tokens", "max_tokens"}
    | {"presence_penalty", "repetition_penalty", "response_format", "stop", "structured_outputs"}
)
_CLIENTS_FAULT: Final = ("input validation error", "template error", "missing template", "tool error")


class TGI(OpenAIWire):
    traits = Traits(
        name="tgi",
        title="Text Generation Inference",
        default_port=8080,
        options={"lora": "id of the adapter this deployment answers with (default: the base model)"},
        base_path="/v1",
    )
    option_types = {"lora": (str,)}  # noqa: RUF012 - declared ClassVar by OpenAIWire
    own_tool_ids = True

    def one_at_a_time(self, call: Call, to: Deployment) -> bool:  # noqa: ARG002 - OpenAIWire's signature
        return True

    def translate(self, call: Call, body: Body, to: Deployment) -> Body:
        if call.kind is Kind.EMBEDDINGS:
            raise BadRequest("the server of this model gives no embeddings; ask another model", param="model")
        chat = call.kind is Kind.CHAT
        rest = {field: value for field, value in body.items() if field not in _TRANSLATED}
        sent = select(super().translate(call, rest, to), _CHAT if chat else _COMPLETION)
        sent["model"] = to.options.get("lora", "tgi")
        limit, stop = answer_limit(body), stop_list(body)
        if limit is not None:
            sent["max_tokens"] = limit
        if stop is not None:
            sent["stop"] = stop
        top_p = sent.get("top_p")
        if isinstance(top_p, int | float) and top_p >= 1:
            del sent["top_p"]  # 1 means all; TGI refuses it
        _set_penalty(sent, body, chat=chat)
        if chat:
            sent["messages"] = _roles(sent.get("messages"))
            _set_tools_or_shape(sent, grammar(body))
        elif (shape := grammar(body)) is not None:
            raise refused(shape.field, " in a text completion")
        return sent

    def in_stream(self, said: failures.Said) -> Failure:
        told = super().in_stream(said)
        if told.kind is FailureKind.BAD_REQUEST and not told.message.lower().startswith(_CLIENTS_FAULT):
            return failures.failure(said, 500)
        return told

    async def discover(self, fetch: Fetch, of: Deployment) -> list[ModelInfo]:
        info = await survey.read(fetch, of, "/info")
        name, window = info.get("model_id"), info.get("max_total_tokens")
        if not isinstance(name, str):
            raise failures.malformed("an `/info` without `model_id`")
        return [
            ModelInfo(
                id=name,
                context=window if type(window) is int else None,
                capabilities=("chat", "completions", "tools"),
                loaded=True,
            )
        ]

    async def health(self, fetch: Fetch, of: Deployment) -> Health:
        return await survey.health(fetch, of, "/health")

    async def load(self, fetch: Fetch, of: Deployment) -> Load | None:
        found = await survey.metrics(fetch, of)
        if found is None:
            return None
        return Load(
            running=survey.total(found, "tgi_batch_current_size"), waiting=survey.total(found, "tgi_queue_size")
        )

    async def examine(self, fetch: Fetch, of: Deployment) -> list[Finding]:
        try:
            info = await survey.read(fetch, of, "/info")
        except UpstreamError as e:
            return survey.unreachable(e.failure.message)
        findings = [survey.ok("version", f"TGI {info.get('version') or 'of a version it does not tell'}")]
        served = info.get("model_id")
        if served == of.upstream_model:
            findings.append(survey.ok("model", f"`{served}` is served"))
        else:
            text = f"the endpoint serves `{served}`, whatever is asked; the deployment says `{of.upstream_model}`"
            findings.append(survey.warn("model", text))
        prompt, window = info.get("max_input_tokens"), info.get("max_total_tokens")
        findings.append(survey.ok("context", f"{window} tokens, of which the prompt at most {prompt}"))
        findings.append(_parallel(info.get("max_concurrent_requests"), of))
        # An empty object misses `messages`: nothing is generated.
        findings.append(await survey.key_finding(fetch, of, "/v1/chat/completions", b"{}"))
        return findings


def _roles(messages: Any) -> Any:
    """Messages without the role `developer`, which templates before 2025 refuse."""
    if not isinstance(messages, list):
        return messages
    return [
        {**message, "role": "system"} if isinstance(message, dict) and message.get("role") == "developer" else message
        for message in messages
    ]


def _set_penalty(sent: Body, body: Body, *, chat: bool) -> None:
    """Bring about the penalty asked for, in place: chat takes a repetition penalty only as presence penalty less 2."""
    if body.get("presence_penalty"):
        raise refused("presence_penalty", ": it would read it as a repetition penalty")
    wanted = body.get("repetition_penalty")
    if wanted is None or wanted == 1:
        return
    if not isinstance(wanted, int | float) or wanted <= 0:
        raise BadRequest("`repetition_penalty` must be a number above 0", param="repetition_penalty")
    if chat:
        sent["presence_penalty"] = round(wanted - 2.0, 6)
    else:
        sent["repetition_penalty"] = wanted


def _set_tools_or_shape(sent: Body, shape: Grammar | None) -> None:
    """Leave tools or set a grammar, in place: TGI makes tool calls by a grammar of its own."""
    if not sent.get("tools") or sent.get("tool_choice") == "none":
        for field in ("tools", "tool_choice", "tool_prompt"):
            sent.pop(field, None)
    if shape is None:
        return
    if "tools" in sent:
        raise BadRequest(
            f"the server of this model cannot honour `tools` and `{shape.field}` together; send one of them",
            param=shape.field,
        )
    if shape.kind not in {"json", "object", "regex"}:
        raise refused(shape.field, f" with `{shape.kind}`: it knows JSON schemas and regular expressions")
    value = {"type": "object"} if shape.kind == "object" else shape.value
    sent["response_format"] = {"type": "regex" if shape.kind == "regex" else "json", "value": value}


def _parallel(limit: object, of: Deployment) -> Finding:
    if not isinstance(limit, int):
        return survey.warn("parallel", "the endpoint does not tell how many requests it takes at once")
    if of.max_parallel is not None and of.max_parallel <= limit:
        return survey.ok("parallel", f"{limit} requests at once, of which the gateway sends at most {of.max_parallel}")
    text = f"the endpoint takes {limit} requests at once and refuses the rest; set `max_parallel` to {limit} or less"
    return survey.warn("parallel", text)
