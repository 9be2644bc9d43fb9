"""The dialogue most local servers share: OpenAI's routes below `/v1`, server-sent events, JSON errors.

An adapter inherits from `OpenAIWire` and writes only its differences.
"""

from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from appliance.domain.errors import BadRequest
from appliance.domain.model import Deployment, Load
from appliance.domain.upstream import (
    Body,
    Call,
    Failure,
    Header,
    Kind,
    Part,
    UpstreamError,
    WholeAnswer,
)
from appliance.ports.provider import Decoder, Traits
from providers import failures
from providers.answers import usage_in, whole
from providers.embeddings import read_vectors, shaped
from providers.fields import fan_out
from providers.media import check_media
from providers.openai_stream import OpenAIStream

_TYPES: Final[dict[type, str]] = {
    bool: "true or false",
    dict: "a mapping",
    int: "a whole number",
    list: "a list",
    str: "text",
}
_PATHS: Final = {kind: f"/v1/{kind}" for kind in Kind}
_encode: Final = msgspec.json.Encoder().encode


class OpenAIWire:
    """Every promise of `Provider` that is about one call; discovery and health stand in each adapter."""

    traits: Traits
    option_types: ClassVar[dict[str, tuple[type, ...]]] = {}
    headers: ClassVar[tuple[Header, ...]] = ()
    load_header: str | None = None
    own_tool_ids: ClassVar[bool] = False  # this server's tool-call ids are not unique

    def check(self, deployment: Deployment) -> list[str]:
        return [*url_problems(deployment, self.traits), *option_problems(deployment, self.traits, self.option_types)]

    def prepare(self, call: Call, to: Deployment) -> tuple[Part, ...]:
        check_media(call.body, to)
        if not self.one_at_a_time(call, to):
            return (self._part(call, call.body, to, 0),)
        return tuple(self._part(call, body, to, first) for first, body in fan_out(call))

    def _part(self, call: Call, body: Body, to: Deployment, first_choice: int) -> Part:
        sent = _encode(self.translate(call, body, to))
        return Part(path=_PATHS[call.kind], headers=self.headers, body=sent, first_choice=first_choice)

    def one_at_a_time(self, call: Call, to: Deployment) -> bool:  # noqa: ARG002 - for those who override it
        """True when this server gives one choice of one prompt a request, so that the call must be fanned out."""
        return False

    def translate(self, call: Call, body: Body, to: Deployment) -> Body:
        """The body to send, as a copy: the deployment's model, the stream switch, usage always asked for."""
        sent = {**body, "model": to.upstream_model}
        if call.kind is Kind.CHAT:
            sent["messages"] = twin_reasoning(body.get("messages"))
        if call.kind is Kind.EMBEDDINGS:
            return sent
        sent["stream"] = call.stream
        options = sent.pop("stream_options", None)
        if call.stream:
            if options is not None and not isinstance(options, dict):
                raise BadRequest("`stream_options` must be an object", param="stream_options")
            sent["stream_options"] = {**(options or {}), "include_usage": True}
        return sent

    def decoder(self, call: Call, to: Deployment) -> Decoder:  # noqa: ARG002 - the port's signature
        return OpenAIStream(call, self.in_stream, own_ids=self.own_tool_ids)

    def whole(self, call: Call, to: Deployment, body: bytes) -> WholeAnswer:  # noqa: ARG002 - the port's signature
        if call.kind is Kind.EMBEDDINGS:
            read = read_vectors(body)
            usage = usage_in({"usage": read.usage})
            return WholeAnswer(shaped([vector.embedding for vector in read.data], call, usage), usage)
        given = failures.read_json(body)
        if (said := failures.said_in(given)) is not None:
            raise UpstreamError(self.in_stream(said))
        if not isinstance(given, dict):
            raise failures.malformed("an answer that is not an object")
        return WholeAnswer(whole(given, call, own_ids=self.own_tool_ids), usage_in(given))

    def classify(self, status: int, body: bytes) -> Failure:
        return failures.classify(status, body)

    def in_stream(self, said: failures.Said) -> Failure:
        """Why an error came that no status goes with."""
        return failures.failure(said, None)

    def reported_load(self, header: str | None) -> Load | None:  # noqa: ARG002 - the port's signature
        return None


def url_problems(deployment: Deployment, traits: Traits) -> list[str]:
    """What is wrong with a deployment's address and upstream model, for any provider."""
    try:
        url = urlsplit(deployment.url)
    except ValueError:  # a bracket without its other half
        return ["url cannot be read; it must look like `http://host:port`"]
    problems = []
    if url.scheme not in {"http", "https"} or not url.hostname:
        problems.append(f"url `{deployment.url}` must look like `http://host:port`")
    if url.query or url.fragment:
        problems.append("url has a query or fragment; give the endpoint's base only")
    if traits.base_path and url.path.rstrip("/").endswith(traits.base_path):
        problems.append(f"url ends in `{traits.base_path}`; leave it out, the gateway adds it")
    if not deployment.upstream_model.strip():
        problems.append("upstream_model is empty; name the model as the endpoint does")
    return problems


def option_problems(deployment: Deployment, traits: Traits, types: dict[str, tuple[type, ...]]) -> list[str]:
    """Options this provider does not know, or of the wrong type."""
    problems = []
    for name, value in deployment.options.items():
        if name not in traits.options:
            known = ", ".join(f"`{option}`" for option in sorted(traits.options)) or "none"
            problems.append(f"option `{name}` is not one of {traits.title}'s: {known}")
        elif type(value) not in types[name]:
            wanted = " or ".join(_TYPES[kind] for kind in types[name])
            problems.append(f"option `{name}` must be {wanted}, not `{str(value)[:64]}`")
    return problems


def twin_reasoning(messages: Any) -> Any:
    """Messages in which a thought goes by both its names, since servers read one or the other."""
    if not isinstance(messages, list):
        return messages
    twinned = messages
    for at, message in enumerate(messages):
        if not isinstance(message, dict):
            continue
        thought = message.get("reasoning")
        if thought is None:
            thought = message.get("reasoning_content")
        if isinstance(thought, str) and not ("reasoning" in message and "reasoning_content" in message):
            if twinned is messages:
                twinned = list(messages)
            twinned[at] = {**message, "reasoning": thought, "reasoning_content": thought}
    return twinned
