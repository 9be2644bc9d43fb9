"""How Ollama refuses: `{"error": "text"}` natively, OpenAI's error object under `/v1`."""

from typing import Any, TypeVar

import msgspec

from providers.simulated.service import Refusal

_Body = TypeVar("_Body")
JSON = "application/json; charset=utf-8"
BUSY = "server busy, please try again.  maximum pending requests exceeded"  # two spaces, as the server writes it
TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the "
    "context length in settings, or use a model with a longer context length"
)
INPUT_TOO_LONG = "the input length exceeds the context length"
CLOUD_DISABLED = "ollama cloud is disabled: remote inference is unavailable"
RUNNER_DIED = "llama runner process has terminated: signal: killed"


class Refused(Exception):
    """A request answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def native(self) -> Refusal:
        """As `/api` says it."""
        return Refusal(status=self.status, body=msgspec.json.encode({"error": self.message}), content_type=JSON)

    def openai(self) -> Refusal:
        """As `/v1` says it."""
        return Refusal(status=self.status, body=msgspec.json.encode(openai_error(self.status, self.message)) + b"\n")


def openai_error(status: int, message: str) -> dict[str, Any]:
    """The error object of the `/v1` shim."""
    kind = {400: "invalid_request_error", 404: "not_found_error"}.get(status, "api_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def no_model(name: str) -> Refused:
    return Refused(404, f"model '{name}' not found")


def runner_overflow(tokens: int, window: int) -> Refused:
    """What llama.cpp's server says, its whole JSON inside Ollama's text (seen with `truncate: false`)."""
    message = f"request ({tokens} tokens) exceeds the available context size ({window} tokens), try increasing it"
    inner = {
        "error": {
            "code": 400,
            "message": message,
            "type": "exceed_context_size_error",
            "n_prompt_tokens": tokens,
            "n_ctx": window,
        }
    }
    return Refused(400, msgspec.json.encode(inner).decode())


def decoded(raw: bytes, kind: type[_Body]) -> _Body:
    """A native request's body. Raises Refused for what is not JSON, or has a wrong type somewhere."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise Refused(400, f"json: cannot unmarshal request: {error}") from error
