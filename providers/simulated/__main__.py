"""Run an emulated server: `python -m providers.simulated vllm --port 8000`."""

import argparse
import asyncio
import signal
import sys
from typing import Any

from providers.simulated import (
    Fault,
    OllamaSettings,
    Settings,
    Simulated,
    TgiSettings,
    VllmSettings,
    llama_cpp,
    ollama,
    tgi,
    transformers,
    vllm,
)

_KINDS = ("vllm", "ollama", "tgi", "llama_cpp", "transformers")
_EXAMPLE = """example:
  python -m providers.simulated vllm --port 8000 --model tiny --interval-ms 20 --tokens 64
  curl 127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"tiny","stream":true,"messages":[{"role":"user","content":"hello"}]}'
  curl 127.0.0.1:8000/__simulated/fault -d '{"fault":"overload-in-stream","times":1}'
  curl 127.0.0.1:8000/__simulated/stats
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m providers.simulated",
        description="An emulated inference server for demos, tests and load. It dials nothing and needs no GPU.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=_KINDS)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--model", action="append", help="served name; may be repeated")
    parser.add_argument("--tokens", type=int, default=16, help="tokens per answer (default 16)")
    parser.add_argument("--interval-ms", type=float, default=0.0, help="between two tokens")
    parser.add_argument("--first-token-ms", type=float, default=0.0, help="before the first token")
    parser.add_argument("--load-ms", type=float, default=0.0, help="a cold load takes this long (ollama)")
    parser.add_argument("--context-length", type=int, help="the window in tokens")
    parser.add_argument("--slots", type=int, help="requests at once")
    parser.add_argument("--queue", type=int, help="requests that may wait (ollama) or be unfinished (vllm)")
    parser.add_argument("--api-key", action="append", default=[], help="may be repeated")
    parser.add_argument("--vision", action="store_true", help="the model takes images")
    parser.add_argument("--reasoning", action="store_true", help="the model thinks first")
    parser.add_argument("--embed", action="store_true", help="serve embeddings instead of text (vllm)")
    parser.add_argument("--header-faults", action="store_true", help="obey the request header x-simulated-fault")
    parser.add_argument(
        "--fault", action="append", default=[], type=Fault, metavar="NAME", help="on from the start; may be repeated"
    )
    return parser


def _server(given: argparse.Namespace) -> Simulated:
    shared: dict[str, Any] = {
        "models": tuple(given.model or ("sim-model",)),
        "tokens": given.tokens,
        "interval_s": given.interval_ms / 1000,
        "first_token_s": given.first_token_ms / 1000,
        "api_keys": tuple(given.api_key),
        "vision": given.vision,
        "reasoning": given.reasoning,
        "allow_header_faults": given.header_faults,
    }
    if given.context_length is not None:
        shared["context_length"] = given.context_length
    match given.kind:
        case "vllm":
            own = {"max_num_seqs": given.slots, "max_num_queued_reqs": given.queue}
            return vllm(VllmSettings(**shared, **_given(own), task="embed" if given.embed else "generate"))
        case "ollama":
            own = {"num_parallel": given.slots, "max_queue": given.queue, "load_s": given.load_ms / 1000}
            return ollama(OllamaSettings(**shared, **_given(own)))
        case "tgi":
            return tgi(TgiSettings(**shared, **_given({"max_concurrent_requests": given.slots})))
        case "llama_cpp":
            return llama_cpp(Settings(**shared))
        case _:
            return transformers(Settings(**shared))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


async def _run(given: argparse.Namespace) -> None:
    server = _server(given)
    for fault in given.fault:
        server.faults.set(fault)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await server.start(given.host, given.port)
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    await stopped.wait()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(_run(_parser().parse_args()))
