"""Reads golden files of translations and says what the adapters make of their inputs.

A file is `tests/golden/providers/<provider>/<what>-<case>.txt`: input, a line `---`, expected.

| what    | input                                       | expected                                  |
|---------|---------------------------------------------|-------------------------------------------|
| request | a call                                      | one part a line, or the refusal           |
| stream  | a call on the first line, then the raw body | one event a line                          |
| whole   | a call on the first line, then the body     | the answer and its usage, or the failure  |
| error   | the status on the first line, then the body | the failure                               |

A call is JSON: `kind`, `body`, and optionally `stream`, `choices`, `upstream_model`, `options`, `media_urls`.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from appliance.domain.errors import BadRequest
from appliance.domain.ids import ModelName, ProviderName, RequestId
from appliance.domain.model import Deployment
from appliance.domain.upstream import Broken, Call, Chunk, Failure, Kind, StreamEvent, UpstreamError
from appliance.domain.usage import Usage
from appliance.ports.provider import Provider

FOLDER = Path(__file__).parent.parent / "golden" / "providers"
REQUEST = RequestId("req_00112233445566778899aabb")


def deployment(provider: str, **fields: Any) -> Deployment:
    return Deployment(
        **{
            "model": ModelName("public"),
            "label": "a",
            "provider": ProviderName(provider),
            "url": "http://127.0.0.1:9",
            "upstream_model": "tiny",
            **fields,
        }
    )


def call_of(text: str, provider: str) -> tuple[Call, Deployment]:
    given = json.loads(text)
    call = Call(
        kind=Kind(given["kind"]),
        body=given["body"],
        request_id=REQUEST,
        salt="salt-of-the-key",
        stream=given.get("stream", False),
        choices=given.get("choices", 1),
    )
    fields = {name: given[name] for name in ("upstream_model", "options", "media_urls") if name in given}
    return call, deployment(provider, **fields)


def made_of(what: str, provider: Provider, source: str) -> str:
    """What `provider` makes of the input of a golden file, as the text that the file expects."""
    head, _, rest = source.partition("\n")
    name = provider.traits.name
    if what == "request":
        return "\n".join(_parts(provider, *call_of(source, name)))
    if what == "stream":
        return "\n".join(_events(provider, *call_of(head, name), rest.encode()))
    if what == "whole":
        return _whole(provider, *call_of(head, name), rest.encode())
    return _failure(provider.classify(int(head), rest.encode()))


def _parts(provider: Provider, call: Call, to: Deployment) -> list[str]:
    try:
        parts = provider.prepare(call, to)
    except BadRequest as e:
        return [f"refused {e.param}: {e.message}"]
    return [f"{part.method} {part.path} @{part.first_choice} {_line(json.loads(part.body))}" for part in parts]


def _events(provider: Provider, call: Call, to: Deployment, raw: bytes) -> list[str]:
    decoder = provider.decoder(call, to)
    events = decoder.feed(raw)
    return [_event(event) for event in [*events, *decoder.end()]]


def _event(event: StreamEvent) -> str:
    if isinstance(event, Chunk):
        name = "speaks" if event.speaks else "silent"
        return f"{name} {_line(event.body)}{_usage(event.usage)}"
    return _failure(event.failure) if isinstance(event, Broken) else type(event).__name__


def _whole(provider: Provider, call: Call, to: Deployment, body: bytes) -> str:
    try:
        answer = provider.whole(call, to, body)
    except UpstreamError as e:
        return _failure(e.failure)
    return _line(answer.body) + _usage(answer.usage)


def _usage(usage: Usage | None) -> str:
    if usage is None:
        return ""
    return f" <{usage.prompt}+{usage.completion}, cached {usage.cached}, reasoning {usage.reasoning}>"


def _failure(failure: Failure) -> str:
    extras = " ".join(
        f"{name}={value}"
        for name in ("status", "param", "code", "retry_after")
        if (value := getattr(failure, name)) is not None
    )
    return f"{failure.kind.upper()} {extras}: {failure.message}"


def _line(value: object) -> str:
    return msgspec.json.encode(value).decode()
