"""What an emulated server is started with. Times are seconds; tokens are those of `generate.py`."""

from typing import Literal

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What every emulated server has."""

    models: tuple[str, ...] = ("sim-model",)
    """Served names; for vLLM and TGI the first is the model and the others are aliases."""
    context_length: int = 8192
    tokens: int = 16
    """Tokens of an answer that nothing cuts short."""
    first_token_s: float = 0.0
    interval_s: float = 0.0
    """Between two tokens."""
    api_keys: tuple[str, ...] = ()
    vision: bool = False
    reasoning: bool = False
    """The model thinks before it answers."""
    dimensions: int = 32
    """Length of an embedding."""
    created: int | None = None
    """A fixed clock (Unix seconds), for answers that are equal byte by byte; None reads the clock handed over."""
    keep_alive_s: float = 5.0
    """An idle connection is closed after this; uvicorn's own 5 s, the race a client's pool must win."""
    allow_header_faults: bool = False
    """Does the request header `x-simulated-fault` work?"""
    remember: int = 256
    """Requests kept in `seen`."""


class VllmSettings(Settings, frozen=True, kw_only=True):
    """As `vllm serve` is started."""

    version: str = "0.32.0"
    task: Literal["generate", "embed"] = "generate"
    """A server of one task has no routes of the other."""
    loras: tuple[str, ...] = ()
    max_num_seqs: int = 256
    max_num_queued_reqs: int | None = None
    """Requests that may be unfinished, those running included; None is vLLM's default: a queue without bound."""
    block_size: int = 16
    prompt_tokens_details: bool = True
    auto_tool_choice: bool = True
    tool_call_parser: bool = True
    sse_keep_alive_s: float = 0.0
    server_load_tracking: bool = False
    request_id_headers: bool = False
    lora_updating: bool = False
    matryoshka: bool = True
    """May a request cut an embedding short by `dimensions`?"""
    empty_chunks: int = 1
    """Chunks without text between the role chunk and the first text."""


class LlamaCppSettings(Settings, frozen=True, kw_only=True):
    """As `python -m llama_cpp.server` is started."""

    embedding: bool = False
    """Without it `/v1/embeddings` is a 500."""
    interrupt_requests: bool = True
    """A new request breaks off the stream under way: [DONE] comes, but neither a finish nor the end of the body."""


class OllamaModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in Ollama's library."""

    name: str
    family: str = "llama"
    parameters: str = "8.0B"
    quantization: str = "Q4_K_M"
    size: int = 4_920_753_328
    context_length: int = 131_072
    """What the model could take; the effective window is `Settings.context_length` or `num_ctx`."""
    capabilities: tuple[str, ...] = ("completion", "tools", "insert")
    remote_host: str | None = None
    remote_model: str | None = None


class OllamaSettings(Settings, frozen=True, kw_only=True):
    """As `ollama serve` is started, by its environment variables."""

    version: str = "0.33.0"
    context_length: int = 4096
    library: tuple[OllamaModel, ...] = ()
    """Empty: one plain model for each of `models`."""
    num_parallel: int = 1
    max_queue: int = 512
    model_keep_alive_s: float = 300.0
    load_s: float = 0.0
    """A cold load takes this long, without a byte."""
    cloud_disabled: bool = True
    tool_call_ids: bool = True
    """Old versions had none."""


class TgiSettings(Settings, frozen=True, kw_only=True):
    """As `text-generation-launcher` is started."""

    version: str = "3.3.6-dev0"
    max_concurrent_requests: int = 128
    max_input_tokens: int | None = None
    """None: one less than `context_length`, which is `max_total_tokens`."""
    max_stop_sequences: int = 4
    data_space: bool = True
    """axum 0.7 writes `data: {`; older images write `data:{`."""
    keep_alive_comment_s: float = 15.0
