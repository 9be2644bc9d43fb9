"""Request fields: which a server takes, which may be left out without a word, and which must be refused.

A field nobody knows is dropped, as these servers do. A field that changes the answer is never dropped silently unless
its value is the one that changes nothing.
"""

from typing import Any, Final

import msgspec

from appliance.domain.errors import BadRequest
from appliance.domain.upstream import Body, Call, Kind

MAX_PARTS = 128  # requests one call may become

# They change the answer: refused where they cannot be honoured. OpenAI's fields, and the extras of vLLM and SGLang.
_EFFECTIVE: Final = frozenset(
    {
        "allowed_token_ids",
        "audio",
        "bad_words",
        "best_of",
        "chat_template",
        "continue_final_message",
        "dimensions",
        "documents",
        "echo",
        "frequency_penalty",
        "function_call",
        "functions",
        "guided_choice",
        "guided_grammar",
        "guided_json",
        "guided_regex",
        "ignore_eos",
        "length_penalty",
        "logit_bias",
        "logprob_token_ids",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "min_p",
        "min_tokens",
        "modalities",
        "n",
        "presence_penalty",
        "prompt_embeds",
        "prompt_logprobs",
        "repetition_penalty",
        "response_format",
        "return_token_ids",
        "seed",
        "stop",
        "stop_token_ids",
        "structured_outputs",
        "suffix",
        "temperature",
        "thinking_token_budget",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
        "truncate_prompt_tokens",
        "typical_p",
        "use_beam_search",
        "web_search_options",
    }
)
# Values that change nothing, so that a client which sends every field its library knows is served.
_NEUTRAL: Final[dict[str, tuple[Any, ...]]] = {
    "best_of": (1,),
    "continue_final_message": (False,),
    "echo": (False,),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "ignore_eos": (False,),
    "length_penalty": (1,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "min_p": (0,),
    "min_tokens": (0,),
    "modalities": (["text"],),
    "n": (1,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "response_format": ({"type": "text"},),
    "return_token_ids": (False,),
    "stop": ([], ""),
    "stop_token_ids": ([],),
    "suffix": ("",),
    "tool_choice": ("auto", "none"),
    "tools": ([],),
    "top_k": (-1, 0),
    "top_logprobs": (0,),
    "top_p": (1,),
    "typical_p": (1,),
    "use_beam_search": (False,),
}


class Grammar(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer must look like, however the client said it."""

    kind: str  # json (value: schema) | object | regex | choice | grammar | structural_tag
    value: Any
    field: str  # the field that said so


def select(body: Body, accepts: frozenset[str]) -> Body:
    """A copy with only the fields a server takes. Raises BadRequest for one that may not be dropped silently."""
    kept: Body = {}
    for field, value in body.items():
        if field in accepts:
            kept[field] = value
        elif value is not None and field in _EFFECTIVE and not neutral(field, value):
            raise refused(field)
    return kept


def neutral(field: str, value: Any) -> bool:
    """True for a value that changes nothing in the answer."""
    # `0 == False`: `logprobs: 0` of a completion asks for something, `False` does not.
    return any(
        value == known and isinstance(value, bool) is isinstance(known, bool) for known in _NEUTRAL.get(field, ())
    )


def refused(field: str, why: str = "") -> BadRequest:
    """The error for a field this server cannot honour."""
    return BadRequest(
        f"the server of this model cannot honour `{field}`{why}; leave it out or ask another model", param=field
    )


def answer_limit(body: Body) -> Any:
    """How many tokens the answer may have, under either of OpenAI's names; the newer one wins."""
    newer = body.get("max_completion_tokens")
    return body.get("max_tokens") if newer is None else newer


def stop_list(body: Body) -> list[Any] | None:
    """Stop texts as a list; None when there are none."""
    stop = body.get("stop")
    if isinstance(stop, str):
        return [stop] if stop else None
    return stop if isinstance(stop, list) and stop else None


def grammar(body: Body) -> Grammar | None:
    """The one shape asked for. Raises BadRequest for several, or one that cannot be read."""
    found = [
        *_response_format(body.get("response_format")),
        *_guided(body),
        *_structured(body.get("structured_outputs")),
    ]
    if len(found) > 1:
        raise BadRequest(
            f"`{found[0].field}` and `{found[1].field}` ask for two shapes; send one", param=found[1].field
        )
    return found[0] if found else None


def fan_out(call: Call) -> list[tuple[int, Body]]:
    """One body for each choice of each prompt, with the index its choice has in the whole answer.

    For servers that give one choice a request. With a seed, each further choice gets the next one: else all were equal.
    """
    prompts = _prompts(call)
    if len(prompts) * call.choices > MAX_PARTS:
        raise BadRequest(f"at most {MAX_PARTS} choices over all prompts", param="n")
    bodies = []
    for at, prompt in enumerate(prompts):
        for choice in range(call.choices):
            body = {**call.body, **prompt}
            body.pop("n", None)
            seed = body.get("seed")
            if choice and isinstance(seed, int):
                body["seed"] = seed + choice
            bodies.append((at * call.choices + choice, body))
    return bodies


def _prompts(call: Call) -> list[Body]:
    """What each prompt of a completion changes in the body. A list of token ids is one prompt."""
    prompt = call.body.get("prompt")
    if call.kind is not Kind.COMPLETION or not isinstance(prompt, list) or not prompt or isinstance(prompt[0], int):
        return [{}]
    return [{"prompt": one} for one in prompt]


def _response_format(given: Any) -> list[Grammar]:
    if given is None:
        return []
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "text":
        return []
    if kind == "json_object":
        return [Grammar(kind="object", value=None, field="response_format")]
    wrapper = given.get("json_schema") if kind == "json_schema" else None
    schema = wrapper.get("schema") if isinstance(wrapper, dict) else None
    if not isinstance(schema, dict):
        raise BadRequest(
            "`response_format` must be of type `text`, `json_object` or `json_schema` with a `json_schema.schema`",
            param="response_format",
        )
    return [Grammar(kind="json", value=schema, field="response_format")]


def _guided(body: Body) -> list[Grammar]:
    return [
        Grammar(kind=kind, value=body[field], field=field)
        for kind in ("json", "regex", "choice", "grammar")
        if body.get(field := f"guided_{kind}") is not None
    ]


def _structured(given: Any) -> list[Grammar]:
    if given is None:
        return []
    if not isinstance(given, dict):
        raise BadRequest("`structured_outputs` must be an object", param="structured_outputs")
    found = [
        Grammar(kind=kind, value=given[kind], field="structured_outputs")
        for kind in ("json", "regex", "choice", "grammar", "structural_tag")
        if given.get(kind) is not None
    ]
    if given.get("json_object"):
        found.append(Grammar(kind="object", value=None, field="structured_outputs"))
    return found
