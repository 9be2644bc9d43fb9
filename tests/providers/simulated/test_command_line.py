"""`python -m providers.simulated`, and the checklist's completeness."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.providers.simulated.wire import HELLO, TIMEOUT_S


def test_every_point_of_the_checklist_has_a_test_that_names_it() -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_points_*.py"))

    named = {int(number) for number in re.findall(r"def test_point_(\d\d)_", sources)}

    assert named == set(range(1, 36))


@pytest.mark.parametrize("kind", ["vllm", "ollama", "tgi", "llama_cpp", "transformers"])
async def test_the_command_prints_its_url_serves_and_stops_on_sigterm(kind: str) -> None:
    command = [sys.executable, "-m", "providers.simulated", kind, "--model", "tiny", "--tokens", "3"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        url = (await asyncio.wait_for(process.stdout.readline(), TIMEOUT_S)).decode().strip()
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            answer = await client.post("/v1/chat/completions", json={"model": "tiny", "messages": HELLO})
        process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(process.wait(), TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()

    assert answer.json()["usage"]["completion_tokens"] == 3
    assert status == 0


async def test_help_shows_an_example() -> None:
    command = [sys.executable, "-m", "providers.simulated", "--help"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)

    assert b"example:\n  python -m providers.simulated vllm --port 8000" in said
