"""What the probe asks. Every case is one request; `setups` says which server is asked which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MODEL = "tiny"
CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
TOO_LONG = "z" * 3000  # more than 512 tokens for every tokenizer concerned
PIXEL = (  # one grey pixel
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


@dataclass(frozen=True)
class Case:
    """One request. `body` is sent as JSON; `raw` as it is."""

    name: str
    path: str
    body: Mapping[str, object] | None = None
    raw: bytes | None = None
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    keyed: bool = True  # is the server's key sent, if it has one?


def _says(text: str) -> list[object]:
    return [{"role": "user", "content": text}]


def chat(name: str, said: object = "hello", /, **fields: object) -> Case:
    """A chat; `said` is the user's text or a list of content parts. A field that is None is left out."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": said}], "max_tokens": 40, **fields}
    return Case(name, CHAT, {name: value for name, value in body.items() if value is not None})


def _streamed(case: Case, **fields: object) -> Case:
    return Case(f"{case.name}, streamed", case.path, {**(case.body or {}), "stream": True, **fields})


def _other_model(name: str, case: Case) -> Case:
    return Case(name, case.path, {**(case.body or {}), "model": "nope"})


def both(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Each case whole and streamed."""
    return tuple(twin for case in cases for twin in (case, _streamed(case)))


def completion(name: str, prompt: object = "hello", /, **fields: object) -> Case:
    return Case(name, COMPLETIONS, {"model": MODEL, "prompt": prompt, "max_tokens": 8, **fields})


def embedding(name: str, given: object, /, **fields: object) -> Case:
    return Case(name, EMBEDDINGS, {"model": MODEL, "input": given, **fields})


def get(path: str) -> Case:
    return Case(f"GET {path}", path, method="GET")


def _tool(name: str, argument: str, values: tuple[str, ...]) -> dict[str, object]:
    schema = {
        "type": "object",
        "properties": {argument: {"enum": values}},
        "required": [argument],
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "parameters": schema, "strict": True}}


LOOK_UP = _tool("look_up", "city", ("Bern", "Thun"))
WEIGH = _tool("weigh", "item", ("salt", "flour"))
NAMED = {"type": "function", "function": {"name": "look_up"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Bern"}'}}
ANSWERED: list[object] = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
]
CHOICE = {
    "type": "json_schema",
    "json_schema": {
        "name": "choice",
        "schema": {
            "type": "object",
            "properties": {"pick": {"enum": ["left", "right"]}},
            "required": ["pick"],
            "additionalProperties": False,
        },
    },
}

PLAIN = (
    *both(
        (
            chat("chat"),
            chat("chat cut short", max_tokens=3),
            chat("chat with a limit by its newer name", max_tokens=None, max_completion_tokens=3),
            chat("chat of accents", "use accents"),
            chat("chat, two choices", n=2),
            chat("chat with log probabilities", logprobs=True, top_logprobs=2, max_tokens=3),
            chat("chat of accents with log probabilities", "use accents", logprobs=True, top_logprobs=2),
            chat("chat in content parts", [{"type": "text", "text": "hello"}]),
        )
    ),
    _streamed(chat("chat with usage"), stream_options={"include_usage": True}),
    _streamed(chat("chat cut short with usage", max_tokens=3), stream_options={"include_usage": True}),
    _streamed(chat("chat, two choices with usage", n=2), stream_options={"include_usage": True}),
    chat("chat after a tool's result", messages=[*_says("look_up"), *ANSWERED], tools=[LOOK_UP]),
)
JSON = both((chat("chat held to a schema", response_format=CHOICE),))
TOOLS = both(
    (
        chat("tools, auto", "look_up", tools=[LOOK_UP]),
        chat("tools, auto, parallel", "look_up and weigh", tools=[LOOK_UP, WEIGH]),
        chat("tools, required", "look_up", tools=[LOOK_UP], tool_choice="required", max_tokens=200),
        chat("tools, named", "look_up", tools=[LOOK_UP], tool_choice=NAMED, max_tokens=200),
        chat("tools, none", "look_up", tools=[LOOK_UP], tool_choice="none"),
    )
)
IMAGE = chat("an image", [{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {"url": PIXEL}}])
ERRORS = (
    *both(
        (
            chat("unknown model", model="nope"),
            chat("too long a prompt", TOO_LONG),
            chat("too many tokens wanted", max_tokens=5000),
            IMAGE,
            chat("a negative temperature", temperature=-1),
            chat("a field nobody knows", surprise=True),
        )
    ),
    chat("stream options without a stream", stream_options={"include_usage": True}),
    Case("messages of a wrong type", CHAT, {"model": MODEL, "messages": "x"}),
    Case("no messages", CHAT, {"model": MODEL}),
    Case("broken JSON", CHAT, raw=b'{"model":', headers={"content-type": "application/json"}),
    Case("no JSON object", CHAT, raw=b"[]", headers={"content-type": "application/json"}),
    Case("a wrong content type", CHAT, raw=b"{}", headers={"content-type": "text/plain"}),
    Case("GET where POST is meant", CHAT, method="GET"),
    get("/v1/nope"),
)
NONSENSE = {"type": "nonsense"}
WORDS = (  # words that are none of those a field knows
    *both(
        (
            chat("a nonsense tool choice", "look_up", tools=[LOOK_UP], tool_choice="nonsense"),
            chat("a nonsense response format", response_format=NONSENSE),
        )
    ),
    chat("a nonsense kind of tool choice", "look_up", tools=[LOOK_UP], tool_choice=NONSENSE),
    chat("a choice of a tool not on offer", "look_up", tools=[WEIGH], tool_choice=NAMED),
    chat("an empty list of tools", tools=[]),
    chat("a nonsense kind of tool", "look_up", tools=[{**LOOK_UP, **NONSENSE}]),
    chat("a schema that is not there", response_format={"type": "json_schema"}),
    chat("a nonsense role", messages=[{"role": "nonsense", "content": "hello"}]),
    chat("a nonsense kind of part", [NONSENSE]),
    chat("a nonsense reasoning effort", reasoning_effort="nonsense"),
    completion("completion in a nonsense response format", response_format=NONSENSE),
)
TEXT = (
    *both((completion("completion"), completion("completion of a list", ["hello", "bye"]))),
    _streamed(completion("completion with usage"), stream_options={"include_usage": True}),
    completion("completion, two choices", n=2),
    completion("completion with suffix", suffix=" end"),
    completion("completion with echo", echo=True, max_tokens=3),
    completion("completion with log probabilities", logprobs=2, max_tokens=3),
    completion("completion of an unknown model", model="nope"),
    *both((completion("completion of too long a prompt", TOO_LONG),)),
)
EMBED = (
    embedding("embedding", "hello"),
    embedding("embedding in base64", "hello", encoding_format="base64"),
    embedding("embedding of a list", ["hello", "bye"]),
    embedding("embedding of token ids", [65, 66, 67]),
    embedding("embedding cut to four dimensions", "hello", dimensions=4),
    embedding("embedding of an unknown model", "hello", model="nope"),
    embedding("embedding of too long a text", TOO_LONG),
    embedding("embedding in a nonsense encoding", "hello", encoding_format="nonsense"),
)
NO_EMBED = (embedding("embedding", "hello"),)
GENERATING = (*PLAIN, *JSON, *TOOLS, *ERRORS, *WORDS, *TEXT, *NO_EMBED)  # what every server that generates is asked
MESSAGE = Case("Anthropic's messages", MESSAGES, {"model": MODEL, "max_tokens": 40, "messages": _says("hello")})
RESPONSE = Case("responses", RESPONSES, {"model": MODEL, "input": "hello", "max_output_tokens": 40})
VLLM_GETS = tuple(get(path) for path in ("/v1/models", "/v1/models/tiny", "/health", "/ping", "/version", "/load"))
REQUEST_ID = Case("the client's request id", CHAT, chat("").body, headers={"x-request-id": "abc"})
VLLM_EXTRAS = (
    _streamed(
        chat("usage on every chunk", max_tokens=3),
        stream_options={"include_usage": True, "continuous_usage_stats": True},
    ),
    *both(
        (
            chat("token ids", return_token_ids=True, max_tokens=3),
            chat("bad grammar", structured_outputs={"regex": "((("}),
        )
    ),
    chat("a choice by structured_outputs", structured_outputs={"choice": ["yes", "no"]}),
    chat("a choice by the removed guided_choice", guided_choice=["yes", "no"]),
    chat("an empty cache salt", cache_salt=""),
    chat("tool choice without tools", tool_choice="auto"),
    REQUEST_ID,
    Case("a load report", CHAT, chat("").body, headers={"endpoint-load-metrics-format": "TEXT"}),
    Case("tokenize", "/tokenize", {"model": MODEL, "prompt": "hello world"}),
    Case("tokenize a chat", "/tokenize", {"model": MODEL, "messages": _says("hello")}),
    Case("detokenize", "/detokenize", {"model": MODEL, "tokens": [65, 66]}),
    *both((MESSAGE, _other_model("Anthropic's messages, unknown model", MESSAGE))),
    Case("Anthropic's count", f"{MESSAGES}/count_tokens", {"model": MODEL, "messages": _says("hello")}),
    *both((RESPONSE,)),
)
KEYS = (
    Case("no key", CHAT, chat("").body, keyed=False),
    Case("a wrong key", CHAT, chat("").body, keyed=False, headers={"authorization": "Bearer wrong"}),
    Case("models without a key", "/v1/models", method="GET", keyed=False),
)
VLLM_KEYS = (
    *KEYS,
    Case("health without a key", "/health", method="GET", keyed=False),
    Case("invocations without a key", "/invocations", chat("", max_tokens=2).body, keyed=False),
)
ENDLESS = chat("endless", "go on for ever", stream=True, max_tokens=400)
BUSY = (
    *both((chat("chat"), completion("completion"), MESSAGE)),
    RESPONSE,
    _streamed(RESPONSE),
)
LORA = (
    Case("load a missing adapter", "/v1/load_lora_adapter", {"lora_name": "none", "lora_path": "/nonexistent"}),
    Case("load an adapter", "/v1/load_lora_adapter", {"lora_name": "extra", "lora_path": "lora"}),
    Case("load an adapter again", "/v1/load_lora_adapter", {"lora_name": "extra", "lora_path": "lora"}),
    get("/v1/models"),
    chat("chat with an adapter", model="extra"),
    Case("unload an adapter", "/v1/unload_lora_adapter", {"lora_name": "extra"}),
    Case("unload an adapter again", "/v1/unload_lora_adapter", {"lora_name": "extra"}),
)
REASONING = (
    *both((chat("a thought, then an answer", "think first"), chat("a thought cut short", "think first", max_tokens=3))),
    _streamed(chat("a thought with usage", "think first"), stream_options={"include_usage": True}),
    chat("a thought kept back", "think first", include_reasoning=False),
)
TRANSFORMERS_REASONING = both((chat("a thought, then an answer", "think first"),))
TRANSFORMERS_EXTRAS = (
    *both((RESPONSE,)),
    *(get(path) for path in ("/v1/models", "/health", "/version", "/metrics")),
)
LLAMA_GETS = tuple(get(path) for path in ("/v1/models", "/v1/models/tiny", "/health", "/metrics"))
