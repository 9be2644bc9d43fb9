"""From OpenAI's words to Ollama's native ones.

The native routes, not Ollama's own `/v1`: that one ignores half the fields, cannot pin a context window and loses
errors in the middle of a stream. `truncate` and `shift` are always false, for by default Ollama drops old messages and
says nothing.
"""

from typing import Any, Final

import msgspec

from appliance.domain.errors import BadRequest
from appliance.domain.model import Deployment
from appliance.domain.upstream import Body, Call
from providers.embeddings import holds_token_ids
from providers.fields import answer_limit, grammar, refused, select, stop_list
from providers.media import data_url_bytes

# Sampling, under the names clients use. What would reload the model (`num_ctx`, `num_gpu`, …) is the operator's alone.
_SAMPLING: Final = {
    "frequency_penalty": "frequency_penalty",
    "min_p": "min_p",
    "mirostat": "mirostat",
    "mirostat_eta": "mirostat_eta",
    "mirostat_tau": "mirostat_tau",
    "num_keep": "num_keep",
    "presence_penalty": "presence_penalty",
    "repeat_last_n": "repeat_last_n",
    "repeat_penalty": "repeat_penalty",
    "repetition_penalty": "repeat_penalty",
    "seed": "seed",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "typical_p": "typical_p",
}
_SHARED: Final = frozenset(
    {"guided_choice", "guided_grammar", "guided_json", "guided_regex", "logprobs", "max_completion_tokens"}
    | {"max_tokens", "options", "reasoning_effort", "response_format", "stop", "structured_outputs", "think"}
    | {"chat_template_kwargs"}
    | _SAMPLING.keys()
)
_CHAT: Final = _SHARED | {"messages", "tools", "tool_choice", "top_logprobs"}
_GENERATE: Final = _SHARED | {"prompt", "suffix"}
_EMBED: Final = frozenset({"input", "dimensions", "encoding_format"})
_EFFORTS: Final[dict[str, bool | str]] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "max",
}
_ROLES: Final = {"developer": "system", "function": "tool"}


def chat(call: Call, body: Body, to: Deployment) -> Body:
    """The body for `/api/chat`. Raises BadRequest."""
    taken = select(body, _CHAT)
    sent = {**_begin(call, taken, to), "messages": messages(taken.get("messages"))}
    if tools := _tools(taken, to):
        sent["tools"] = tools
    if taken.get("logprobs"):
        sent["logprobs"] = True
        sent["top_logprobs"] = taken.get("top_logprobs") or 0
    return sent


def generate(call: Call, body: Body, to: Deployment) -> Body:
    """The body for `/api/generate`. Raises BadRequest."""
    taken = select(body, _GENERATE)
    prompt = taken.get("prompt")
    if not isinstance(prompt, str) or not prompt:  # an empty prompt only loads the model
        raise BadRequest("the server of this model completes text; send a `prompt` that is a string", param="prompt")
    sent = {**_begin(call, taken, to), "prompt": prompt}
    if suffix := taken.get("suffix"):
        sent["suffix"] = suffix
    if to.options.get("raw", False):
        sent["raw"] = True
    logprobs = taken.get("logprobs")
    if logprobs is not None and logprobs is not False:
        sent["logprobs"] = True
        sent["top_logprobs"] = logprobs
    return sent


def embed(body: Body, to: Deployment) -> Body:
    """The body for `/api/embed`. Raises BadRequest for token ids, which Ollama cannot take."""
    taken = select(body, _EMBED)
    given = taken.get("input")
    if holds_token_ids(given):
        raise BadRequest(
            "the server of this model embeds text, not token ids; send strings "
            "(LangChain: `check_embedding_ctx_length=False`)",
            param="input",
        )
    sent: Body = {"model": to.upstream_model, "input": given, "truncate": False}
    if taken.get("dimensions") is not None:
        sent["dimensions"] = taken["dimensions"]
    return {**sent, **_pinned(to, {})}


def messages(given: Any) -> list[Body]:
    """Messages in Ollama's shape. Raises BadRequest for one that cannot be said in it."""
    if not isinstance(given, list) or not given:  # none at all would load or unload the model
        raise BadRequest("`messages` must be a list with at least one message", param="messages")
    names: dict[str, str] = {}  # tool call id -> function name, for the results that follow
    return [_message(message, f"messages[{at}]", names) for at, message in enumerate(given)]


def _begin(call: Call, taken: Body, to: Deployment) -> Body:
    sent: Body = {"model": to.upstream_model, "stream": call.stream, "truncate": False, "shift": False}
    options = _options(taken)
    sent.update(_pinned(to, options))
    if (shape := grammar(taken)) is not None:
        if shape.kind not in {"json", "object"}:
            raise refused(shape.field, f" with `{shape.kind}`: it knows JSON schemas only")
        sent["format"] = "json" if shape.kind == "object" else shape.value
    if (think := _think(taken)) is not None:
        sent["think"] = think
    return sent


def _pinned(to: Deployment, options: Body) -> Body:
    """Options with the deployment's own: one context window for all requests, since each change reloads the model."""
    if "num_ctx" in to.options:
        options = {**options, "num_ctx": to.options["num_ctx"]}
    sent: Body = {"options": options} if options else {}
    if "keep_alive" in to.options:
        sent["keep_alive"] = to.options["keep_alive"]
    return sent


def _options(taken: Body) -> Body:
    own = taken.get("options")  # Ollama's own field, as some clients send it through
    places = (own, taken) if isinstance(own, dict) else (taken,)
    options = {new: place[old] for place in places for old, new in _SAMPLING.items() if place.get(old) is not None}
    limit = answer_limit(taken)
    if limit is not None:
        options["num_predict"] = limit
    if (stop := stop_list(taken)) is not None:
        options["stop"] = stop
    return options


def _think(taken: Body) -> Any:
    if taken.get("think") is not None:
        return taken["think"]
    effort = taken.get("reasoning_effort")
    if effort is not None:
        if not isinstance(effort, str) or effort not in _EFFORTS:
            known = ", ".join(f"`{name}`" for name in _EFFORTS)
            raise BadRequest(f"`reasoning_effort` must be one of {known}", param="reasoning_effort")
        return _EFFORTS[effort]
    template = taken.get("chat_template_kwargs")
    switch = template.get("enable_thinking") if isinstance(template, dict) else None
    return switch if isinstance(switch, bool) else None


def _tools(taken: Body, to: Deployment) -> list[Any]:
    """The tools the model may call, as far as Ollama can be told: it knows no `tool_choice`."""
    tools, choice = taken.get("tools"), taken.get("tool_choice")
    if not isinstance(tools, list) or choice == "none":
        return []
    if choice is None or choice == "auto":
        return tools
    if not to.options.get("loose_tool_choice", False):
        raise refused("tool_choice", ": it cannot force a tool call")
    named = _name_of(choice)
    return [tool for tool in tools if named is None or _name_of(tool) == named]


def _name_of(tool: Any) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    return function.get("name") if isinstance(function, dict) else None


def _message(given: Any, param: str, names: dict[str, str]) -> Body:
    if not isinstance(given, dict) or not isinstance(given.get("role"), str):
        raise BadRequest("a message must be an object with a `role`", param=param)
    text, images = _content(given.get("content"), f"{param}.content")
    message: Body = {"role": _ROLES.get(given["role"], given["role"]), "content": text}
    if images:
        message["images"] = images
    thought = given.get("reasoning")
    thought = given.get("reasoning_content") if thought is None else thought
    if isinstance(thought, str) and thought:
        message["thinking"] = thought
    if calls := given.get("tool_calls"):
        message["tool_calls"] = _calls(calls, f"{param}.tool_calls", names)
    if message["role"] == "tool":
        answered = given.get("tool_call_id")
        if isinstance(answered, str):
            message["tool_call_id"] = answered
        name = names.get(answered) if isinstance(answered, str) else None
        if name := name or given.get("name"):
            message["tool_name"] = name
    return message


def _content(given: Any, param: str) -> tuple[str, list[str]]:
    """A message's text, and its images as base64."""
    if given is None or isinstance(given, str):
        return given or "", []
    if not isinstance(given, list):
        raise BadRequest("`content` must be a string or a list of parts", param=param)
    texts, images = [], []
    for at, part in enumerate(given):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("text", "refusal") and isinstance(part.get(kind), str):  # a tuple: the kind may be anything
            texts.append(part[kind])
        elif kind == "image_url":
            url = part.get("image_url")
            url = url.get("url") if isinstance(url, dict) else url
            images.append(data_url_bytes(url if isinstance(url, str) else "", f"{param}[{at}]"))
        else:
            raise BadRequest("the server of this model takes text and images only", param=f"{param}[{at}]")
    return "\n".join(texts), images


def _calls(given: Any, param: str, names: dict[str, str]) -> list[Body]:
    """Tool calls of an earlier answer: arguments are an object here, a JSON string at OpenAI's."""
    if not isinstance(given, list):
        raise BadRequest("`tool_calls` must be a list", param=param)
    calls = []
    for at, call in enumerate(given):
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str):
            raise BadRequest("a tool call must name its function", param=f"{param}[{at}]")
        said: Body = {"function": {"index": at, "name": name, "arguments": _arguments(function, f"{param}[{at}]")}}
        if isinstance(call.get("id"), str):
            said["id"] = call["id"]
            names[call["id"]] = name
        calls.append(said)
    return calls


def _arguments(function: Body, param: str) -> Body:
    given = function.get("arguments")
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given) if given.strip() else {}
        except (ValueError, RecursionError):
            given = None
    if not isinstance(given, dict):
        raise BadRequest("`arguments` of a tool call must be a JSON object", param=param)
    return given
