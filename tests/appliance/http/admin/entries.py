"""What an administrator sends."""

from typing import Any


def deployment(label: str = "a", **more: Any) -> dict[str, Any]:
    return {"label": label, "provider": "fake", "url": "http://10.0.0.7:8000", "model": "upstream", **more}


def model(name: str = "llama", *labels: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "deployments": [deployment(label) for label in labels or ("a",)], **more}
