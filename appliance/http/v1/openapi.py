"""The OpenAPI document of the API listener.

Request schemas are those of `domain/view.py`, by which the gateway itself checks. What OpenAI knows beyond them is
described and left open: it passes through, and the model server says what it thinks of it.
"""

from collections.abc import Mapping

import msgspec

from appliance.domain import errors as e
from appliance.domain.upstream import Kind
from appliance.domain.view import ChatRequest, CompletionRequest, EmbeddingsRequest
from appliance.http.document.components import Schema
from appliance.http.document.operation import KEYED, MODEL_NAMED, Answer, Operation, health_operations
from appliance.http.document.write import document
from appliance.http.permissions import Permission
from appliance.http.v1.shapes import (
    ChatAnswer,
    ChatChunk,
    CompletionAnswer,
    CompletionChunk,
    EmbeddingsAnswer,
    ModelList,
    ModelObject,
)
from appliance.policy.rules import GUARDED, NEVER

TITLE = "Redoubt API"
ABOUT = """An OpenAI-compatible gateway in front of inference servers of your own.

Every path is served with and without `/v1`. A path that is not listed answers 404 and a method that is not listed 405,
both with the error object that every refusal has. Unknown fields of a request pass through to the model server, except:

- fields no client may send (403, `field_not_allowed`): {never}
- fields a key's policy must name (403, `field_not_allowed`): {guarded}
- keys that stand twice in an object or differ from a known field by case alone (400).

The status 499 stands in the ledger only: the client left.
"""
INFERENCE: tuple[type[e.GatewayError], ...] = (
    *KEYED,
    e.ContextTooLong,
    e.ContentBlocked,
    e.UpstreamRejected,
    e.ModelNotAllowed,
    e.FieldNotAllowed,
    e.ModelUnknown,
    e.RateLimited,
    e.QueueFull,
    e.BudgetSpent,
    e.UpstreamFailed,
    e.NoDeployment,
    e.PriceMissing,
    e.RedactionUnavailable,
    e.ShuttingDown,
    e.UpstreamTimeout,
)
HEADERS = {
    "x-redoubt-model": "The model asked for.",
    "x-redoubt-deployment": "The public label of the deployment that answered.",
    "x-redoubt-attempts": "How many deployments were asked.",
    "x-redoubt-overhead-ms": "Milliseconds spent in the gateway itself.",
}
_SAMPLING = {
    "best_of": "Of how many completions the best is given.",
    "echo": "Whether the prompt stands before the answer.",
    "logprobs": "Log probabilities: a boolean in chat, a number in completions.",
    "user": "An identifier of the end user.",
}
KNOWN: Mapping[Kind, dict[str, str]] = {
    Kind.CHAT: {
        "audio": "Parameters of spoken answers.",
        "function_call": "Older name of `tool_choice`.",
        "functions": "Older name of `tools`.",
        "logprobs": _SAMPLING["logprobs"],
        "metadata": "Notes of the client's own.",
        "modalities": "Kinds of answer wanted.",
        "parallel_tool_calls": "Whether one answer may call several tools.",
        "prediction": "Text the answer is expected to repeat.",
        "reasoning_effort": "How long a reasoning model thinks.",
        "response_format": "`text`, `json_object` or `json_schema`.",
        "service_tier": "Passed through; no server of ours has tiers.",
        "store": "Passed through; nothing is stored here.",
        "tool_choice": "`none`, `auto`, `required`, or one function.",
        "top_logprobs": "How many alternatives come with each token.",
        "user": _SAMPLING["user"],
        "verbosity": "How wordy the answer is.",
    },
    Kind.COMPLETION: _SAMPLING,
    Kind.EMBEDDINGS: {"user": _SAMPLING["user"]},
}
REQUESTS: Mapping[Kind, type[msgspec.Struct]] = {
    Kind.CHAT: ChatRequest,
    Kind.COMPLETION: CompletionRequest,
    Kind.EMBEDDINGS: EmbeddingsRequest,
}
ANSWERS: Mapping[Kind, type[msgspec.Struct]] = {
    Kind.CHAT: ChatAnswer,
    Kind.COMPLETION: CompletionAnswer,
    Kind.EMBEDDINGS: EmbeddingsAnswer,
}
EVENTS = {Kind.CHAT: ChatChunk, Kind.COMPLETION: CompletionChunk}
SAYS = {Kind.CHAT: "Answer a chat", Kind.COMPLETION: "Continue a text", Kind.EMBEDDINGS: "Turn texts into vectors"}


def api_document() -> Schema:
    """The same at every site: it is made of types alone."""
    listed = [_both(one) for one in (*map(_inference, Kind), _models(), _model())]
    operations = [one for pair in listed for one in pair]
    about = ABOUT.format(never=_names(NEVER), guarded=_names(GUARDED))
    made = document(TITLE, about, [*operations, *health_operations()])
    for kind, request in REQUESTS.items():
        properties = made["components"]["schemas"][request.__name__]["properties"]
        for name, text in KNOWN[kind].items():
            properties.setdefault(name, {"description": text})
    return made


def _inference(kind: Kind) -> Operation:
    event = EVENTS.get(kind)
    says = "The answer; a stream of events where `stream` is true." if event else "The vectors."
    answer = Answer(says=says, shape=ANSWERS[kind], event=event, headers=HEADERS)
    return Operation(
        path=f"/v1/{kind.value}",
        method="post",
        name=f"v1_{kind.name.lower()}",
        says=SAYS[kind],
        permission=Permission.INFER,
        body=REQUESTS[kind],
        answers={200: answer},
        refuses=INFERENCE,
    )


def _models() -> Operation:
    return Operation(
        path="/v1/models",
        method="get",
        name="v1_models",
        says="List the models this key may use",
        permission=Permission.LIST,
        answers={200: Answer(says="The models, by name.", shape=ModelList)},
        refuses=KEYED,
    )


def _model() -> Operation:
    return Operation(
        path="/v1/models/{name}",
        method="get",
        name="v1_model",
        says="Show one model",
        permission=Permission.LIST,
        names={"name": MODEL_NAMED},
        answers={200: Answer(says="The model.", shape=ModelObject)},
        refuses=(*KEYED, e.NotFound, e.ModelUnknown),
    )


def _both(one: Operation) -> tuple[Operation, Operation]:
    return one, msgspec.structs.replace(one, path=one.path.removeprefix("/v1"), name=one.name.removeprefix("v1_"))


def _names(fields: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(fields))
