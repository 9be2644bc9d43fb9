"""What a vLLM server says about itself: models, version, paths, tokens."""

from typing import Any

import msgspec

from providers.simulated.dialogue import render
from providers.simulated.generate import seed_of, text_of, token_ids
from providers.simulated.vllm.engine import Engine
from providers.simulated.vllm.errors import decoded


def models(engine: Engine, created: int) -> dict[str, Any]:
    """`GET /v1/models`: a card for each served name, one for each adapter."""
    settings = engine.settings
    root = f"/models/{settings.models[0]}"
    cards = [_card(name, root, None, settings.context_length, created) for name in settings.models]
    cards += [_card(name, path, settings.models[0], None, created) for name, path in engine.loras.items()]
    return {"object": "list", "data": cards}


def _card(name: str, root: str, parent: str | None, window: int | None, created: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "vllm",
        "root": root,
        "parent": parent,
        "max_model_len": window,
        "permission": [
            {
                "id": f"modelperm-{seed_of('permission', name):016x}",
                "object": "model_permission",
                "created": created,
                "allow_create_engine": False,
                "allow_sampling": True,
                "allow_logprobs": True,
                "allow_search_indices": False,
                "allow_view": True,
                "allow_fine_tuning": False,
                "organization": "*",
                "group": None,
                "is_blocking": False,
            }
        ],
    }


def openapi(routes: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """`GET /openapi.json`, as far as paths go: the way to learn which task a server has."""
    paths: dict[str, Any] = {
        path: {method.lower(): {"responses": {}} for method in methods} for path, methods in routes.items()
    }
    return {"openapi": "3.1.0", "info": {"title": "FastAPI", "version": "0.1.0"}, "paths": paths}


class _Tokenize(msgspec.Struct, kw_only=True):
    model: str | None = None
    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    return_token_strs: bool | None = False


class _Detokenize(msgspec.Struct, kw_only=True):
    model: str | None = None
    tokens: list[int]


def tokenize(engine: Engine, raw: bytes) -> dict[str, Any]:
    """`POST /tokenize`. Raises Refused."""
    body = decoded(raw, _Tokenize)
    engine.check_model(body.model)
    text = body.prompt if body.prompt is not None else render(body.messages or [], body.tools).text
    ids = token_ids(text)
    return {
        "count": len(ids),
        "max_model_len": engine.settings.context_length,
        "tokens": ids,
        "token_strs": [text_of([token]) for token in ids] if body.return_token_strs else None,
    }


def detokenize(engine: Engine, raw: bytes) -> dict[str, Any]:
    """`POST /detokenize`. Raises Refused."""
    body = decoded(raw, _Detokenize)
    engine.check_model(body.model)
    return {"prompt": text_of(body.tokens)}
