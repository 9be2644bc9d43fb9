"""`GET /metrics` of vLLM, in the text format 0.0.4. Every sample carries `engine` and the first served name."""

from collections.abc import Iterable

from providers.simulated.histogram import Histogram
from providers.simulated.vllm.engine import Engine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REASONS = ("stop", "length", "abort", "error", "repetition")
_PARSED = tuple(
    f',mode="{mode}",outcome="{outcome}",request_type="{kind}"'
    for mode in ("streaming", "non_streaming")
    for outcome in ("tool_call", "no_tool_call")
    for kind in ("chat_completions", "responses", "other")
)
_STARTED = 1.7e9  # `_created` twins say when a counter was made; nobody may rely on more than their presence


def text(engine: Engine) -> str:
    """All families."""
    labels = f'engine="0",model_name="{engine.settings.models[0]}"'
    lines: list[str] = []
    for name, extra, value in _gauges(engine):
        lines += [f"# HELP {name} {name}", f"# TYPE {name} gauge", f"{name}{{{labels}{extra}}} {value}"]
    lines += _info(engine)
    for name, extras in _counters(engine).items():
        lines += _counter(name, labels, extras)
    # Counted before a request reaches an engine, so it names none.
    front = f'model_name="{engine.settings.models[0]}"'
    rejected = [(',reason="max_num_queued_reqs"', engine.rejected), (',reason="max_num_queued_tokens"', 0)]
    lines += _counter("vllm:admission_rejections", front, rejected)
    if engine.settings.tool_call_parser:
        lines += _counter("vllm:tool_call_parser_invocations", front, [(extra, 0) for extra in _PARSED])
    for name, histogram in _histograms(engine):
        lines += [f"# HELP {name} {name}", f"# TYPE {name} histogram", *histogram.lines(name, labels)]
        lines += _created(f"{name}_created", name, [labels])
    return "\n".join(lines) + "\n"


def _counter(name: str, labels: str, extras: list[tuple[str, int]]) -> list[str]:
    """A counter and its twin that says when it began."""
    total = f"{name}_total"
    return [
        f"# HELP {total} {name}",
        f"# TYPE {total} counter",
        *(f"{total}{{{labels}{extra}}} {float(value)}" for extra, value in extras),
        *_created(f"{name}_created", name, [f"{labels}{extra}" for extra, _ in extras]),
    ]


def _created(twin: str, name: str, labels: list[str]) -> list[str]:
    """When a counter or histogram began."""
    return [f"# HELP {twin} {name}", f"# TYPE {twin} gauge", *(f"{twin}{{{each}}} {_STARTED}" for each in labels)]


def _gauges(engine: Engine) -> Iterable[tuple[str, str, float]]:
    waiting = float(engine.slots.waiting)
    yield "vllm:num_requests_running", "", float(engine.slots.running)
    yield "vllm:num_requests_waiting", "", waiting
    yield "vllm:num_requests_waiting_by_reason", ',reason="capacity"', waiting
    yield "vllm:kv_cache_usage_perc", "", engine.kv_usage
    yield "vllm:engine_sleep_state", ',sleep_state="awake"', 1.0


def _info(engine: Engine) -> list[str]:
    block = engine.settings.block_size
    name = "vllm:cache_config_info"
    labels = f'block_size="{block}",enable_prefix_caching="True",engine="0"'
    lines = [f"# HELP {name} {name}", f"# TYPE {name} gauge", f"{name}{{{labels}}} 1.0"]
    if engine.loras:
        name = "vllm:lora_requests_info"
        running = ",".join(engine.loras)
        labels = f'max_lora="{len(engine.loras)}",running_lora_adapters="{running}",waiting_lora_adapters=""'
        lines += [f"# HELP {name} {name}", f"# TYPE {name} gauge", f"{name}{{{labels}}} {_STARTED}"]
    return lines


def _counters(engine: Engine) -> dict[str, list[tuple[str, int]]]:
    stats, prefix = engine.stats, engine.prefix
    return {
        "vllm:prompt_tokens": [("", stats.prompt_tokens)],
        "vllm:generation_tokens": [("", stats.generated_tokens)],
        "vllm:prompt_tokens_cached": [("", prefix.hits)],
        "vllm:prefix_cache_queries": [("", prefix.queries)],
        "vllm:prefix_cache_hits": [("", prefix.hits)],
        "vllm:num_preemptions": [("", 0)],
        "vllm:request_success": [(f',finished_reason="{reason}"', engine.finished[reason]) for reason in _REASONS],
    }


def _histograms(engine: Engine) -> Iterable[tuple[str, Histogram]]:
    yield "vllm:time_to_first_token_seconds", engine.time_to_first
    yield "vllm:e2e_request_latency_seconds", engine.end_to_end
    yield "vllm:request_queue_time_seconds", engine.queued
    yield "vllm:inter_token_latency_seconds", engine.between_tokens
    yield "vllm:request_time_per_output_token_seconds", engine.per_token
    yield "vllm:request_prefill_time_seconds", engine.prefill
    yield "vllm:request_decode_time_seconds", engine.decode
