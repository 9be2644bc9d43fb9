"""Values of a site, with only what a test says about them differing from the ordinary."""

import zlib
from typing import Any

from appliance.domain.identity import Key, Principal
from appliance.domain.ids import KeyId, ModelName, ProviderName
from appliance.domain.model import Deployment, Model, Timeouts
from appliance.domain.money import Price
from appliance.domain.upstream import Body, Kind
from appliance.domain.view import View, view
from appliance.identity.keys import base62, digest, hint
from appliance.identity.ring import KeyRing
from tests.fakes.clock import NOON

PEPPER = b"pepper one"
SALT = b"salt secret"
MODEL = ModelName("llama")
FREE = Price()


def token(number: int = 1) -> str:
    """A key that is always the same: well-formed, and random to nobody."""
    text = "rdt_" + base62(number * 7919**7, 30)
    return text + base62(zlib.crc32(text.encode()), 6)


def a_key(number: int = 1, **more: Any) -> Key:
    """May use every model, unless told otherwise."""
    text = token(number)
    told: dict[str, Any] = {
        "id": KeyId(f"key_{number:016x}"),
        "name": f"key {number}",
        "digest": digest(PEPPER, text),
        "pepper_version": 1,
        "hint": hint(text),
        "models": ("*",),
        "created_at": NOON,
    }
    return Key(**{**told, **more})


def a_principal(number: int = 1, **more: Any) -> Principal:
    return KeyRing([a_key(number, **more)], {1: PEPPER}, SALT).principals()[0]


def a_deployment(label: str = "one", **more: Any) -> Deployment:
    told: dict[str, Any] = {
        "model": MODEL,
        "label": label,
        "provider": ProviderName("fake"),
        "url": f"http://gpu-{label}.lab:8000",
        "upstream_model": "upstream/secret-name",
        "price": FREE,
    }
    return Deployment(**{**told, **more})


def a_model(*deployments: Deployment, **more: Any) -> Model:
    first = deployments[0] if deployments else a_deployment()
    return Model(name=first.model, deployments=deployments or (first,), **more)


def a_body(text: str = "hello", **more: Any) -> Body:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


def a_view(kind: Kind = Kind.CHAT, **more: Any) -> View:
    return view(kind, a_body(**more))


SOON = Timeouts(first_byte=0.02)
"""For a deployment that never answers: the only thing a test waits for in real time."""
