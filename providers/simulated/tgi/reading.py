"""From a request to what will be generated, with TGI's own readings of OpenAI's fields."""

import json
from typing import Any

import msgspec

from providers.simulated.compose import Ask, Plan, Tool, plan
from providers.simulated.dialogue import IMAGE_TOKENS, Prompt, called, inner, render, tools_of
from providers.simulated.generate import count, seed_of
from providers.simulated.pattern import sample
from providers.simulated.schema import instance
from providers.simulated.settings import TgiSettings
from providers.simulated.tgi.errors import Refused, Undecodable, invalid


class Parameters(msgspec.Struct, kw_only=True):
    """`parameters` of the native requests; `/v1` is translated into them."""

    best_of: int | None = None
    temperature: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    typical_p: float | None = None
    do_sample: bool = False
    max_new_tokens: int | None = None
    return_full_text: bool | None = None
    stop: list[str] = []
    truncate: int | None = None
    watermark: bool = False
    details: bool = False
    decoder_input_details: bool = False
    seed: int | None = None
    top_n_tokens: int | None = None
    grammar: dict[str, Any] | None = None
    adapter_id: str | None = None


class NativeBody(msgspec.Struct, kw_only=True):
    """`/generate`, `/generate_stream` and `/`."""

    inputs: str
    parameters: Parameters = msgspec.field(default_factory=Parameters)
    stream: bool = False


class ChatBody(msgspec.Struct, kw_only=True):
    """`/v1/chat/completions`. A list where a list is meant: a string `stop` is refused."""

    messages: list[dict[str, Any]]
    model: str | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: list[str] | None = None
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None


class CompletionBody(msgspec.Struct, kw_only=True):
    """`/v1/completions`."""

    prompt: str | list[str]
    model: str | None = None
    max_tokens: int | None = 100
    frequency_penalty: float | None = None
    stop: list[str] | None = None
    stream: bool = False
    suffix: str | None = None
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What the model is to do, checked."""

    text: str
    tokens: int
    plan: Plan
    seed: int


def decoded(raw: bytes, content_type: str, kind: type[Any]) -> Any:
    """The body. Raises Undecodable, as the framework does before any handler runs."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Undecodable(415, "Expected request with `Content-Type: application/json`")
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise Undecodable(422, f"Failed to deserialize the JSON body into the target type: {error}") from error
    except msgspec.DecodeError as error:
        raise Undecodable(400, f"Failed to parse the request body as JSON: {error}") from error


def chat_parameters(body: ChatBody) -> Parameters:
    """OpenAI's fields as TGI reads them."""
    limit = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    return Parameters(
        # 0 means greedy here; natively it would be refused.
        temperature=None if body.temperature == 0 else body.temperature,
        # An innocent 0 becomes a strong penalty of 2.
        repetition_penalty=None if body.presence_penalty is None else body.presence_penalty + 2.0,
        frequency_penalty=body.frequency_penalty,
        top_p=body.top_p,
        max_new_tokens=limit,
        stop=body.stop or [],
        seed=body.seed,
        grammar=body.response_format,
        # Any name but `tgi` chooses an adapter; an unknown one silently answers from the base model.
        adapter_id=body.model if body.model not in {None, "tgi"} else None,
    )


def chat_prompt(body: ChatBody) -> tuple[Prompt, tuple[Tool, ...]]:
    """The prompt and the tool to call. Raises Refused or Undecodable, with a status even for a stream."""
    if body.tools and body.response_format:
        raise Refused("Tool error: Grammar and tools are mutually exclusive", "tool_error")
    prompt = render(body.messages, body.tools)
    tools = tools_of(body.tools)
    choice = _choice(body.tool_choice)
    calls = called(tools, prompt, choice, parallel=False)
    if isinstance(choice, dict) and tools and not calls:
        raise Refused(f"Tool error: Tool with name {inner(choice, 'function')['name']} not found", "tool_error")
    return prompt, calls


def _choice(given: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
    """The tool choice: a word it does not know is the name of a function. Raises Undecodable for any other object."""
    if isinstance(given, dict):
        if given.get("type") != "function" or not isinstance(inner(given, "function").get("name"), str):
            why = "tool_choice: data did not match any variant of untagged enum ToolTypeDeserializer"
            raise Undecodable(422, f"Failed to deserialize the JSON body into the target type: {why}")
        return given
    return given if given in {None, "auto", "none", "required"} else {"function": {"name": given}}


def check_grammar_shape(grammar: dict[str, Any] | None) -> None:
    """It is `{"type", "value"}` here; OpenAI's own shape is not understood. Raises Undecodable."""
    if grammar is None:
        return
    if grammar.get("type") not in {"json", "json_object", "regex", "json_schema"}:
        message = f"response_format.type: unknown variant `{grammar.get('type')}`"
        raise Undecodable(422, f"Failed to deserialize the JSON body into the target type: {message}")
    if "value" not in grammar:
        message = "response_format: missing field `value`"
        raise Undecodable(422, f"Failed to deserialize the JSON body into the target type: {message}")


def check_images(settings: TgiSettings, prompt: Prompt) -> None:
    """Only data URLs are loaded, and only where the model sees. Raises Refused."""
    if prompt.images and not settings.vision:
        raise invalid("image modality is not supported")
    for url in prompt.images:
        if not url.startswith("data:"):
            # The real router would fetch it. An emulator never dials out.
            raise invalid("Could not fetch image: error sending request")


def generation(
    settings: TgiSettings, text: str, parameters: Parameters, calls: tuple[Tool, ...] = (), opening: str = ""
) -> Generation:
    """Check and write the answer. Raises Refused 422."""
    tokens = count(text) + IMAGE_TOKENS * text.count("<|image|>")
    _check(settings, parameters, tokens)
    seed = parameters.seed if parameters.seed is not None else seed_of(text)
    total = settings.context_length
    limit = total - tokens if parameters.max_new_tokens is None else parameters.max_new_tokens
    mixed = seed_of(text, seed, parameters.repetition_penalty)
    try:
        written = plan(
            Ask(
                seed=mixed,
                natural=settings.tokens,
                limit=limit,
                stop=tuple(parameters.stop),
                calls=calls,
                forced=None if calls else _forced(parameters.grammar, mixed),
                opening=opening,
            )
        )
    except ValueError as error:  # a schema or pattern nothing fits, or a schema text that is not JSON
        raise invalid(f"grammar is not valid: {error}") from error
    return Generation(text=text, tokens=tokens, plan=written, seed=seed)


def _check(settings: TgiSettings, parameters: Parameters, tokens: int) -> None:
    total = settings.context_length
    most = settings.max_input_tokens or total - 1
    if parameters.temperature is not None and parameters.temperature <= 0:
        raise invalid("`temperature` must be strictly positive")
    if parameters.repetition_penalty is not None and parameters.repetition_penalty <= 0:
        raise invalid("`repetition_penalty` must be strictly positive")
    if parameters.top_p is not None and not 0 < parameters.top_p < 1:
        raise invalid("`top_p` must be > 0.0 and < 1.0")
    if len(parameters.stop) > settings.max_stop_sequences:
        raise invalid(
            f"`stop` supports up to {settings.max_stop_sequences} stop sequences. Given: {len(parameters.stop)}"
        )
    if parameters.max_new_tokens == 0:
        raise invalid("`max_new_tokens` must be strictly positive")
    if not tokens:
        raise invalid("`inputs` cannot be empty")
    asked = parameters.max_new_tokens
    if asked is not None and tokens + asked > total:
        raise invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {total}. "
            f"Given: {tokens} `inputs` tokens and {asked} `max_new_tokens`"
        )
    if tokens > most:
        raise invalid(f"`inputs` must have less than {most} tokens. Given: {tokens}")


def too_long(settings: TgiSettings) -> Refused:
    """What it says of a prompt that does not fit."""
    most = settings.max_input_tokens or settings.context_length - 1
    return invalid(f"`inputs` must have less than {most} tokens. Given: {most + 1}")


def _forced(grammar: dict[str, Any] | None, seed: int) -> str | None:
    if grammar is None:
        return None
    value = grammar["value"]
    if grammar["type"] == "regex":
        return sample(str(value), seed)
    schema = json.loads(value) if isinstance(value, str) else value
    if grammar["type"] == "json_schema" and isinstance(schema, dict):
        schema = schema.get("schema", schema)
    return json.dumps(instance(schema, seed), ensure_ascii=False)
