"""A client of a few lines, for tests that look at the wire."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from tests.e2e.site import Site

TIMEOUT = 60.0


def chat(model: str, tokens: int = 4, text: str = "hello there", **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": tokens, "messages": [{"role": "user", "content": text}], **more}


def ask(site: Site, key: str, body: Any, path: str = "chat/completions") -> httpx.Response:
    """A whole answer, on a connection of its own."""
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{site.url}/v1/{path}", json=body, headers=headers, timeout=TIMEOUT, trust_env=False)


class Stream(msgspec.Struct, frozen=True):
    """A streamed answer under way."""

    response: httpx.Response
    _lines: Iterator[str]

    @property
    def request_id(self) -> str:
        return str(self.response.headers["x-request-id"])

    def next(self) -> str:
        """The next event's data: JSON, or `[DONE]`. Fails the test when there is none."""
        found = next(self.rest(), None)
        assert found is not None, "the stream has ended"
        return found

    def rest(self) -> Iterator[str]:
        """The data of the events to come."""
        return (line.removeprefix("data: ") for line in self._lines if line.startswith("data: "))


@contextmanager
def streaming(site: Site, key: str, model: str, tokens: int) -> Iterator[Stream]:
    """A streamed chat, entered when its head is here."""
    body = chat(model, tokens, stream=True)
    headers = {"authorization": f"Bearer {key}"}
    with (
        httpx.Client(timeout=TIMEOUT, trust_env=False) as client,
        client.stream("POST", f"{site.url}/v1/chat/completions", json=body, headers=headers) as response,
    ):
        assert response.status_code == 200, response.read()
        yield Stream(response, response.iter_lines())


def code_of(answer: httpx.Response | str) -> str | None:
    """The code of an error, as an answer or as the data of an event; None when it is no error."""
    body = answer.json() if isinstance(answer, httpx.Response) else json.loads(answer)
    error = body.get("error")
    return None if error is None else str(error["code"])
