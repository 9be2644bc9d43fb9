"""Starts and stops the real servers: on loopback, offline, in a process group of their own."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.real.setups import Server, Setup

START_S = 600.0  # vLLM needs one minute on an idle machine
STOP_S = 30.0


class NotStarted(RuntimeError):
    """The server ended, or did not answer in time; its log is named."""


def command(server: Server, setup: Setup, port: int | str = "PORT") -> list[str]:
    """What is run inside the folder of models, without the environment's path."""
    return [*server.program, *setup.options, "--host", "127.0.0.1", "--port", str(port)]


def version(server: Server, cache: Path) -> tuple[str, str]:
    """The versions of the server's package and of its Python."""
    program = (
        "import sys, importlib.metadata as m; print(m.version(sys.argv[1])); print('%d.%d.%d' % sys.version_info[:3])"
    )
    python = cache / server.name / "bin" / "python"
    text = subprocess.run([python, "-c", program, server.package], check=True, capture_output=True, text=True).stdout
    package, own = text.split()
    return package, own


@asynccontextmanager
async def running(server: Server, setup: Setup, cache: Path) -> AsyncIterator[str]:
    """The base URL of a real server, stopped at the end. `cache` holds its environment, the models and logs."""
    port = _free_port()
    program, *arguments = command(server, setup, port)
    settings = [f"{name}={value}" for name, value in server.environment.items()]
    log = cache / "log" / f"{server.name}-{setup.name.replace(', ', '-').replace(' ', '-')}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *("nice", "-n", "19", "env", *settings, str(cache / server.name / "bin" / program), *arguments),
            cwd=cache / "models",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        base_url = f"http://127.0.0.1:{port}"
        await _answering(base_url, process, log)
        yield base_url
    finally:
        await _stop(process)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def _answering(base_url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    try:
        async with asyncio.timeout(START_S), httpx.AsyncClient(base_url=base_url, trust_env=False) as http:
            while not await _answers(http):
                if process.returncode is not None:
                    raise NotStarted(f"the server ended with {process.returncode}; see {log}")
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        raise NotStarted(f"the server did not answer within {START_S:.0f} s; see {log}") from error


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health")).status_code < 500  # llama-cpp-python has no such route: 404 is an answer
    except httpx.TransportError:
        return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ends the group: vLLM's engine and workers are children of the process we started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            await asyncio.wait_for(process.wait(), STOP_S)
        except ProcessLookupError:
            return
        except TimeoutError:
            continue
