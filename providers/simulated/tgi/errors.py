"""How TGI refuses: a status and `error_type` when whole; in a stream always 200 and an event."""

import json
from typing import Any

import msgspec

from providers.simulated.events import DONE, Event, Kind
from providers.simulated.service import Refusal

_STATUS = {
    "validation": 422,
    "tool_error": 422,
    "template_error": 422,
    "overloaded": 429,
    "generation": 424,
    "incomplete_generation": 500,
    "healthcheck": 503,
}


class Refused(Exception):
    """A request answered with an error."""

    def __init__(self, message: str, error_type: str) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type

    @property
    def status(self) -> int:
        """The status of a whole answer."""
        return _STATUS[self.error_type]

    def refusal(self) -> Refusal:
        """As a whole answer."""
        return Refusal(status=self.status, body=msgspec.json.encode(self._body()))

    def native_event(self) -> list[Event]:
        """As the event of `/generate_stream`; nothing follows it."""
        return [Event(Kind.ERROR, msgspec.json.encode(self._body()))]

    def chat_events(self) -> list[Event]:
        """As the events of `/v1`: it says 422 whatever the cause."""
        body = {"error": {"message": self.message, "http_status_code": 422}}
        return [Event(Kind.ERROR, json.dumps(body, separators=(",", ":")).encode()), DONE]

    def _body(self) -> dict[str, Any]:
        return {"error": self.message, "error_type": self.error_type}


class Undecodable(Exception):
    """A body the framework rejects before TGI sees it: plain text, never in a stream."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(status=status, body=message.encode(), content_type="text/plain; charset=utf-8")


def invalid(message: str) -> Refused:
    return Refused(f"Input validation error: {message}", "validation")


def overloaded() -> Refused:
    return Refused("Model is overloaded", "overloaded")


def failed() -> Refused:
    return Refused("Request failed during generation: Server error: CUDA out of memory.", "generation")


def incomplete() -> Refused:
    return Refused("Incomplete generation", "incomplete_generation")


def unhealthy() -> Refused:
    return Refused("unhealthy", "healthcheck")
