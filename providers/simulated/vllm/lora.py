"""Loading and unloading adapters while the server runs; only there with `VLLM_ALLOW_RUNTIME_LORA_UPDATING`."""

import msgspec

from providers.simulated.exchange import Exchange
from providers.simulated.vllm.engine import Engine
from providers.simulated.vllm.errors import Refused, decoded


class _Adapter(msgspec.Struct):
    lora_name: str
    lora_path: str = ""


async def load(engine: Engine, exchange: Exchange) -> None:
    """`POST /v1/load_lora_adapter`. The answer is plain text without a content type. Raises Refused."""
    wanted = decoded(exchange.request.body, _Adapter)
    if wanted.lora_name in engine.loras:
        message = (
            f"The lora adapter '{wanted.lora_name}' has already been loaded. "
            "If you want to load the adapter in place, set 'load_inplace' to True."
        )
        raise Refused(400, message, "InvalidUserInput")
    if not wanted.lora_path or "nonexist" in wanted.lora_path:
        raise Refused(
            404, f"Loading lora {wanted.lora_name} failed: No adapter found for {wanted.lora_path}", "NotFoundError"
        )
    engine.loras[wanted.lora_name] = wanted.lora_path
    await exchange.whole(200, f"Success: LoRA adapter '{wanted.lora_name}' added successfully.".encode(), "")


async def unload(engine: Engine, exchange: Exchange) -> None:
    """`POST /v1/unload_lora_adapter`. Raises Refused."""
    wanted = decoded(exchange.request.body, _Adapter)
    if engine.loras.pop(wanted.lora_name, None) is None:
        raise Refused(404, f"The lora adapter '{wanted.lora_name}' cannot be found.", "NotFoundError")
    await exchange.whole(200, f"Success: LoRA adapter '{wanted.lora_name}' removed successfully.".encode(), "")
