"""The emulated vLLM's chat answers, whole and streamed (points of the fidelity checklist are named in the tests)."""

import httpx
import msgspec

from providers.simulated import Simulated, VllmSettings, vllm

HELLO = [{"role": "user", "content": "hello"}]


async def _ask(server: Simulated, **fields: object) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.post("/v1/chat/completions", json={"messages": HELLO, **fields})


async def test_the_same_prompt_gets_the_same_answer() -> None:
    async with vllm() as server:
        first = (await _ask(server)).json()
        second = (await _ask(server)).json()

    assert first["choices"] == second["choices"]
    assert first["id"] != second["id"]


async def test_a_streamed_answer_says_what_the_whole_one_says() -> None:
    async with vllm() as server:
        whole = (await _ask(server)).json()
        streamed = (await _ask(server, stream=True)).text

    chunks = [msgspec.json.decode(line[6:]) for line in streamed.split("\n\n") if line and line != "data: [DONE]"]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]
    assert streamed.endswith("data: [DONE]\n\n")


async def test_a_key_guards_v1_but_not_invocations() -> None:
    async with vllm(VllmSettings(api_keys=("secret",))) as server:
        refused = await _ask(server)
        async with httpx.AsyncClient(base_url=server.url) as client:
            open_door = await client.post("/invocations", json={"messages": HELLO})

    assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
    assert open_door.status_code == 200
