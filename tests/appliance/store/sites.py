"""What the tests of the store are made of: keys, models, ledger rows and events."""

from datetime import UTC, datetime
from typing import Any

from appliance.domain.events import Event
from appliance.domain.identity import Key
from appliance.domain.ids import KeyId, Micros, ModelName, ProviderName, RequestId
from appliance.domain.ledger import LedgerRow, Status
from appliance.domain.model import Deployment, Model
from appliance.domain.usage import Usage

NOON = datetime(2026, 11, 22, 12, 0, 0, 250_001, tzinfo=UTC)


def a_key(number: int = 1, **changes: Any) -> Key:
    values: dict[str, Any] = {
        "id": KeyId(f"key_{number:016x}"),
        "name": f"key {number}",
        "digest": number.to_bytes(32, "big"),
        "pepper_version": 1,
        "hint": "rdt_abcd…wxyz",
        "created_at": NOON,
    }
    return Key(**{**values, **changes})


def a_deployment(label: str = "one", **changes: Any) -> Deployment:
    values: dict[str, Any] = {
        "model": ModelName("llama"),
        "label": label,
        "provider": ProviderName("vllm"),
        "url": "http://127.0.0.1:8000",
        "upstream_model": "meta/llama",
    }
    return Deployment(**{**values, **changes})


def a_model(*deployments: Deployment, name: str = "llama") -> Model:
    return Model(name=ModelName(name), deployments=deployments)


def a_row(number: int = 1, **changes: Any) -> LedgerRow:
    values: dict[str, Any] = {
        "at": NOON,
        "request_id": RequestId(f"req_{number:024x}"),
        "key_id": KeyId("key_0000000000000001"),
        "kind": "chat/completions",
        "model": "llama",
        "deployment": "one",
        "provider": "vllm",
        "attempts": 1,
        "status": Status.OK,
        "http_status": 200,
        "usage": Usage(10, 5, 4, 3),
        "cost": Micros(7),
        "total_ms": 12,
        "overhead_ms": 1.5,
    }
    return LedgerRow(**{**values, **changes})


def an_event(action: str = "auth.refused", **changes: Any) -> Event:
    values: dict[str, Any] = {"at": NOON, "actor": "system", "action": action, "subject": "127.0.0.1"}
    return Event(**{**values, **changes})
