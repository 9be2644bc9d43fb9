"""Run an emulated server: `python -m providers.simulated vllm --port 8000`."""

import argparse
import asyncio
import signal
import sys

from providers.simulated import Fault, Simulated, VllmSettings, vllm

_EXAMPLE = """example:
  python -m providers.simulated vllm --port 8000 --model tiny --interval-ms 20 --tokens 64
  curl 127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"tiny","stream":true,"messages":[{"role":"user","content":"hello"}]}'
  curl -X POST 127.0.0.1:8000/__simulated/fault -d '{"fault":"overload-in-stream","times":1}'
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m providers.simulated",
        description="An emulated inference server for demos, tests and load. It dials nothing and needs no GPU.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=["vllm"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--model", action="append", help="served name; may be repeated")
    parser.add_argument("--tokens", type=int, default=16, help="tokens per answer (default 16)")
    parser.add_argument("--interval-ms", type=float, default=0.0, help="between two tokens")
    parser.add_argument("--first-token-ms", type=float, default=0.0, help="before the first token")
    parser.add_argument("--context-length", type=int, default=8192)
    parser.add_argument("--api-key", action="append", default=[], help="may be repeated")
    parser.add_argument("--vision", action="store_true", help="the model takes images")
    parser.add_argument("--reasoning", action="store_true", help="the model thinks first")
    parser.add_argument("--header-faults", action="store_true", help="obey the request header x-simulated-fault")
    parser.add_argument("--fault", action="append", default=[], choices=[str(fault) for fault in Fault], metavar="NAME")
    return parser


def _server(given: argparse.Namespace) -> Simulated:
    return vllm(
        VllmSettings(
            models=tuple(given.model or ("sim-model",)),
            tokens=given.tokens,
            interval_s=given.interval_ms / 1000,
            first_token_s=given.first_token_ms / 1000,
            context_length=given.context_length,
            api_keys=tuple(given.api_key),
            vision=given.vision,
            reasoning=given.reasoning,
            allow_header_faults=given.header_faults,
        )
    )


async def _run(given: argparse.Namespace) -> None:
    server = _server(given)
    for name in given.fault:
        server.faults.set(Fault(name))
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
