"""From a validated body to a `Run`: the checks that need the model, and the answer it will give."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from providers.simulated.compose import OPENING, Ask, Plan, Tool, plan
from providers.simulated.dialogue import ChatBody, Prompt, called, inner, render, tools_of
from providers.simulated.faults import Fault, Hits
from providers.simulated.generate import seed_of
from providers.simulated.pattern import sample
from providers.simulated.schema import BadSchema, instance
from providers.simulated.settings import VllmSettings
from providers.simulated.vllm.engine import Engine
from providers.simulated.vllm.errors import Refused, bad_grammar, too_long, too_many
from providers.simulated.vllm.shapes import Run

MOST_CHOICES = 128


def chat_run(engine: Engine, body: ChatBody, created: int, request_id: str) -> Run:
    """Everything but the answer's text. Raises Refused."""
    settings = engine.settings
    model = engine.check_model(body.model)
    prompt = render(body.messages, body.tools)
    mode = _tool_mode(settings, body)
    _check_images(model, settings, prompt)
    check_lengths(settings, prompt.tokens, body.limit, _limit_name(body))
    cached = engine.prefix.cached_tokens(prompt.text, adapter=_adapter(engine, model), salt=body.cache_salt)
    return Run(
        id=f"chatcmpl-{request_id}",
        model=model,
        created=created,
        settings=settings,
        body=body,
        prompt_tokens=prompt.tokens,
        cached_tokens=cached,
        created_tokens=prompt.tokens // settings.block_size * settings.block_size - cached,
        images=len(prompt.images),
        plans=(),
        tool_mode=mode,
    )


def chat_plans(run: Run, hits: Hits) -> tuple[Plan, ...]:
    """The answers, one per choice. Raises Refused when a grammar cannot be compiled."""
    body, settings = run.body, run.settings
    prompt = render(body.messages, body.tools)
    parallel = body.parallel_tool_calls is not False
    tools = called(tools_of(body.tools), prompt, body.tool_choice, parallel=parallel) if run.tool_mode != "none" else ()
    wish = Wish(
        limit=limit_of(settings, run.prompt_tokens, body.limit),
        stop=body.stops,
        calls=tools,
        forced=lambda seed: forced_text(body.response_format, body.structured_outputs, seed),
        thinks=settings.reasoning,
        to_limit=body.ignore_eos,
        opening=OPENING if Fault.SPLIT_CHARACTER in hits else "",
    )
    return choices(settings, seed_of(run.model, prompt.text, body.seed), 1 if body.n is None else body.n, wish)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks of each of its answers."""

    limit: int
    stop: tuple[str, ...] = ()
    calls: tuple[Tool, ...] = ()
    forced: Callable[[int], str | None] = lambda _: None  # the text a constraint leaves no choice about, by seed
    thinks: bool = False
    to_limit: bool = False
    opening: str = ""


def choices(settings: VllmSettings, seed: int, n: int, wish: Wish) -> tuple[Plan, ...]:
    """`n` different answers to one prompt. Raises Refused when a grammar cannot be compiled."""
    if not 1 <= n <= MOST_CHOICES:
        raise Refused(400, f"n must be between 1 and {MOST_CHOICES}, got {n}.", param="n")
    plans: list[Plan] = []
    for index in range(n):
        own = seed_of(seed, index) if index else seed
        try:
            ask = Ask(
                seed=own,
                natural=settings.tokens,
                limit=wish.limit,
                stop=wish.stop,
                calls=wish.calls,
                forced=None if wish.calls else wish.forced(own),
                thinks=wish.thinks,
                to_limit=wish.to_limit,
                opening=wish.opening,
            )
            plans.append(plan(ask))
        except ValueError as error:  # a schema or pattern nothing fits, or a schema text that is not JSON
            raise bad_grammar(str(error)) from error
    return tuple(plans)


def forced_text(form: dict[str, Any] | None, structured: dict[str, Any] | None, seed: int) -> str | None:
    """The text a constraint leaves no choice about, or None without one. Raises BadSchema, BadPattern."""
    form, structured = form or {}, structured or {}
    schema: Any = None
    if form.get("type") == "json_schema":
        schema = inner(form, "json_schema").get("schema")
    elif form.get("type") == "json_object" or structured.get("json_object"):
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    elif "json" in structured:
        schema = json.loads(structured["json"]) if isinstance(structured["json"], str) else structured["json"]
    elif structured.get("choice"):
        options = structured["choice"]
        if not isinstance(options, list):
            raise BadSchema("`choice` must be a list")
        return str(options[seed % len(options)])
    elif "regex" in structured:
        return sample(str(structured["regex"]), seed)
    if schema is None:
        return None
    return json.dumps(instance(schema, seed), ensure_ascii=False)


def check_lengths(settings: VllmSettings, prompt_tokens: int, asked: int | None, name: str) -> None:
    """Does it fit the window? Raises Refused 400 in vLLM's words."""
    window = settings.context_length
    if asked is not None and asked < 0:
        raise Refused(400, f"{name} must be at least 1, got {asked}.", param=name)
    if asked is not None and asked > window:
        raise too_many(asked, window, name)
    if prompt_tokens >= window or (asked is not None and prompt_tokens + asked > window):
        raise too_long(window)


def limit_of(settings: VllmSettings, prompt_tokens: int, asked: int | None) -> int:
    """How many tokens may come: as asked, or what the window leaves."""
    room = settings.context_length - prompt_tokens
    return room if asked is None else min(asked, room)


def _limit_name(body: ChatBody) -> str:
    return "max_tokens" if body.max_completion_tokens is None else "max_completion_tokens"


def _adapter(engine: Engine, model: str) -> str:
    return model if model in engine.loras else ""


def _tool_mode(settings: VllmSettings, body: ChatBody) -> str:
    choice = body.tool_choice
    if not body.tools or choice == "none":
        return "none"
    mode = "named" if isinstance(choice, dict) else _CHOICES.get(str(choice), "auto")
    if mode == "auto" and not (settings.auto_tool_choice and settings.tool_call_parser):
        message = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        raise Refused(400, message)
    if mode != "auto" and not settings.tool_call_parser:
        name = str(inner(choice, "function").get("name", "")) if isinstance(choice, dict) else ""
        spelled = f'function "{name}"' if name else '"required"'
        raise Refused(400, f"tool_choice={spelled} requires --tool-call-parser to be set")
    return mode


_CHOICES = {"required": "required"}


def _check_images(model: str, settings: VllmSettings, prompt: Prompt) -> None:
    if prompt.images and not settings.vision:
        raise Refused(400, f"{model} is not a multimodal model")
    for url in prompt.images:
        if not url.startswith("data:"):
            # A real server would fetch it. An emulator never dials out.
            raise Refused(422, "Could not load image: only `data:` URLs are loaded here", "UnprocessableEntityError")
