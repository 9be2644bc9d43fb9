"""`POST /v1/embeddings`; only a server started for embeddings has it."""

from typing import Any

import msgspec

from providers.simulated.exchange import Exchange
from providers.simulated.generate import count
from providers.simulated.vectors import embedding, inputs_of
from providers.simulated.vllm.chat import late_refusals
from providers.simulated.vllm.engine import Engine, Sequence, Work
from providers.simulated.vllm.errors import Refused, decoded, invalid, too_long


class EmbeddingBody(msgspec.Struct, kw_only=True):
    """The fields that change an answer."""

    input: Any
    model: str | None = None
    encoding_format: str | None = "float"
    dimensions: int | None = None
    truncate_prompt_tokens: int | None = None


async def embeddings(engine: Engine, exchange: Exchange, created: int) -> None:
    """Answer a request for vectors. Raises Refused."""
    body = decoded(exchange.request.body, EmbeddingBody)
    try:
        texts = inputs_of(body.input)
    except ValueError as error:
        raise invalid("value_error", "body.input", f"Value error, {error}") from error
    if body.encoding_format not in {None, "float", "base64"}:
        known = "'float', 'base64', 'bytes' or 'bytes_only'"  # asked again for each shape a request may have
        raise invalid("literal_error", "body.encoding_format", f"Input should be {known}", errors=11)
    settings = engine.settings
    if body.model and body.model not in engine.served:
        raise Refused(404, f"The model `{body.model}` does not exist.", "NotFoundError")
    model = engine.check_model(body.model)
    dimensions = body.dimensions or settings.dimensions
    if body.dimensions is not None and not settings.matryoshka:
        told = f"dimensions must be unset (received dimensions={body.dimensions})."
        raise Refused(400, f"Model '{model}' does not support Matryoshka embeddings; {told}")
    if dimensions < 1 or dimensions > settings.dimensions:
        raise Refused(400, f'Model "{model}" does not support dimensions={dimensions}.', param="dimensions")
    if any(count(text) > settings.context_length for text in texts):
        raise too_long(settings.context_length)
    engine.admit()
    late_refusals(exchange)
    tokens = sum(count(text) for text in texts)
    async with Sequence(engine, Work(prompt_tokens=tokens, tokens=0, reasons=())):
        await engine.pace.whole(1)
    answer = {
        "id": f"embd-{engine.new_id()}",
        "object": "list",
        "created": created,
        "model": model,
        "data": [
            {
                "index": index,
                "object": "embedding",
                "embedding": embedding(text, dimensions, body.encoding_format or "float"),
            }
            for index, text in enumerate(texts)
        ],
        "usage": {
            "prompt_tokens": tokens,
            "total_tokens": tokens,
            "completion_tokens": 0,
            "prompt_tokens_details": None,
            "completion_tokens_details": None,
        },
    }
    await exchange.json(200, answer)
