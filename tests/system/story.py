"""A whole site told in one go: a server of each kind, a gateway, and the SDK's streamed words from each, as JSON."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from openai import OpenAI

from tests.e2e.asking import chat
from tests.e2e.gateway import Gateway, model
from tests.e2e.process import simulated

KINDS = ("vllm", "ollama", "tgi")


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        urls = {kind: stack.enter_context(simulated(kind, folder / kind, "--model", "tiny")) for kind in KINDS}
        models = [model(kind, url, provider=kind) for kind, url in urls.items()]
        gateway = stack.enter_context(Gateway(folder, models=models))
        site = gateway.start()
        client = stack.enter_context(OpenAI(base_url=f"{site.url}/v1", api_key=gateway.key, max_retries=0))
        said = {}
        for kind in KINDS:
            with client.chat.completions.create(**chat(kind), stream=True) as stream:
                said[kind] = "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
        sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
