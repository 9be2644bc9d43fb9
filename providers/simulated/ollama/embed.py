"""`POST /api/embed` and the older `/api/embeddings`."""

from typing import Any

import msgspec

from providers.simulated.exchange import Exchange
from providers.simulated.generate import count, vector
from providers.simulated.ollama.errors import INPUT_TOO_LONG, JSON, Refused, decoded
from providers.simulated.ollama.library import full_name
from providers.simulated.ollama.native import PREFILL_NS
from providers.simulated.ollama.reading import Options
from providers.simulated.ollama.work import Server, Turn


class EmbedBody(msgspec.Struct, kw_only=True):
    """`/api/embed`, and `/api/embeddings` by `prompt`."""

    model: str = ""
    input: Any = None
    prompt: str = ""
    truncate: bool | None = None
    dimensions: int | None = None
    keep_alive: Any = None
    options: Options | None = None


class Vectors(msgspec.Struct, frozen=True):
    """What was embedded."""

    embeddings: list[list[float]]
    tokens: int
    load_s: float


async def embed(server: Server, exchange: Exchange) -> None:
    """`POST /api/embed`. Raises Refused."""
    body = decoded(exchange.request.body, EmbedBody)
    made = await vectors(server, body)
    answer = {
        "model": body.model,
        "embeddings": made.embeddings,
        "total_duration": int(made.load_s * 1e9) + made.tokens * PREFILL_NS + 1_000_000,
        "load_duration": int(made.load_s * 1e9) + 1_000_000,
        "prompt_eval_count": made.tokens,
    }
    await exchange.whole(200, msgspec.json.encode({k: v for k, v in answer.items() if v or k == "embeddings"}), JSON)


async def embed_one(server: Server, exchange: Exchange) -> None:
    """`POST /api/embeddings`. Raises Refused."""
    body = decoded(exchange.request.body, EmbedBody)
    body.input = body.prompt
    made = await vectors(server, body)
    await exchange.whole(200, msgspec.json.encode({"embedding": made.embeddings[0]}), JSON)


async def vectors(server: Server, body: EmbedBody) -> Vectors:
    """Embed in the model's turn. Raises Refused."""
    texts = _texts(body.input)
    if full_name(body.model) not in server.library.models:
        raise Refused(404, f'model "{body.model}" not found, try pulling it first')
    model = server.library.find(body.model)
    turn = Turn(server.library, model, body.options.num_ctx if body.options else None, body.keep_alive)
    async with turn as loaded:
        tokens = 0
        for text in texts:
            needed = count(text)
            if needed > loaded.window and body.truncate is False:
                raise Refused(400, INPUT_TOO_LONG)
            tokens += min(needed, loaded.window)
        # A model has as many dimensions as it has; fewer may be asked for.
        full = server.settings.dimensions
        size = body.dimensions if body.dimensions is not None and 0 < body.dimensions <= full else full
        server.stats.prompt_tokens += tokens
        return Vectors([vector(text, size) for text in texts], tokens, turn.load_s)


def _texts(given: Any) -> list[str]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and all(isinstance(part, str) for part in given):
        return given
    raise Refused(400, "invalid input type")  # token ids among them: it has no way to take those
