"""What Ollama says about its models."""

from typing import Any

import msgspec

from providers.simulated.ollama.errors import decoded
from providers.simulated.ollama.library import FOREVER, digest, full_name
from providers.simulated.ollama.native import timestamp
from providers.simulated.ollama.work import Server
from providers.simulated.settings import OllamaModel

_FAR = 253_370_764_800.0  # the year 9999: what never expires
_MODIFIED = 1_760_000_000.0


def _details(model: OllamaModel) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": model.parameters,
        "quantization_level": model.quantization,
    }


def tags(server: Server) -> dict[str, Any]:
    """`GET /api/tags`."""
    listed: list[dict[str, Any]] = []
    for name, model in server.library.models.items():
        card: dict[str, Any] = {
            "name": name,
            "model": name,
            "modified_at": timestamp(_MODIFIED),
            "size": model.size,
            "digest": digest(model),
            "details": _details(model),
            "capabilities": list(model.capabilities),
        }
        if model.remote_host:
            card |= {"remote_model": model.remote_model, "remote_host": model.remote_host}
        listed.append(card)
    return {"models": listed}


def running(server: Server) -> dict[str, Any]:
    """`GET /api/ps`: what is loaded, with the window it really has."""
    listed = [
        {
            "name": full_name(loaded.model.name),
            "model": full_name(loaded.model.name),
            "size": loaded.model.size,
            "digest": digest(loaded.model),
            "details": _details(loaded.model),
            "expires_at": timestamp(_FAR if loaded.expires == FOREVER else loaded.expires),
            "size_vram": loaded.model.size,
            "context_length": loaded.window,
        }
        for loaded in server.library.loaded
    ]
    return {"models": listed}


class _Show(msgspec.Struct):
    model: str = ""
    name: str = ""


def show(server: Server, raw: bytes) -> dict[str, Any]:
    """`POST /api/show`. Raises Refused."""
    body = decoded(raw, _Show)
    model = server.library.find(body.model or body.name)
    return {
        "modelfile": f"FROM {model.name}\n",
        "parameters": 'stop                           "<|end|>"',
        "template": "{{ .Prompt }}",
        "details": _details(model),
        "model_info": {
            "general.architecture": model.family,
            f"{model.family}.context_length": model.context_length,
            f"{model.family}.embedding_length": server.settings.dimensions,
        },
        "capabilities": list(model.capabilities),
        "modified_at": timestamp(_MODIFIED),
    }


def openai_models(server: Server) -> dict[str, Any]:
    """`GET /v1/models`."""
    return {"object": "list", "data": [openai_model(name) for name in server.library.models]}


def openai_model(name: str) -> dict[str, Any]:
    """One card of `/v1/models`."""
    return {"id": name, "object": "model", "created": int(_MODIFIED), "owned_by": "library"}
