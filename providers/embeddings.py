"""Embeddings: read from a server in either encoding, checked, and given in the encoding the client asked for."""

import base64
import binascii
import math
import struct
from typing import Any, Final

import msgspec

from appliance.domain.upstream import Body, Call, Failure, FailureKind, UpstreamError
from appliance.domain.usage import Usage
from providers.answers import usage_object
from providers.failures import failure, malformed, read_json, said_in


class Vector(msgspec.Struct):
    """One embedding of an OpenAI-shaped answer."""

    embedding: list[float] | str  # base64 of little-endian float32
    index: int | None = None


class Vectors(msgspec.Struct):
    """An OpenAI-shaped answer."""

    data: list[Vector]
    usage: dict[str, Any] | None = None


_VECTORS: Final = msgspec.json.Decoder(Vectors)


def read_vectors(body: bytes) -> Vectors:
    """Read an OpenAI-shaped answer, in the order of its inputs. Raises UpstreamError.

    Typed at once: a batch may hold millions of numbers, and each look at them in Python would hold up every stream.
    """
    try:
        read = _VECTORS.decode(body)
    except (ValueError, RecursionError) as e:
        if (said := said_in(read_json(body))) is not None:
            raise UpstreamError(failure(said, None)) from e
        raise malformed("embeddings in an unknown shape") from e
    read.data.sort(key=lambda vector: vector.index or 0)
    return read


def shaped(vectors: list[list[float] | str], call: Call, usage: Usage | None) -> Body:
    """The whole answer, in the client's encoding.

    Raises UpstreamError: PROTOCOL when there are not as many vectors as inputs or they differ in length, BAD_REQUEST
    when they have not the `dimensions` asked for.
    """
    wanted = inputs(call.body.get("input"))
    if len(vectors) != wanted:
        raise malformed(f"{len(vectors)} embeddings for {wanted} inputs")
    lengths = {_length(vector) for vector in vectors}
    asked = call.body.get("dimensions")
    if len(lengths) > 1 or 0 in lengths:
        raise malformed(f"embeddings of {sorted(lengths)} numbers in one answer")
    if isinstance(asked, int) and lengths != {asked}:
        # The client's fault, not the server's: it must not cost the deployment its good name.
        said = f"this model gives embeddings of {lengths.pop()} numbers, not {asked}; leave out `dimensions`"
        raise UpstreamError(Failure(kind=FailureKind.BAD_REQUEST, message=said, param="dimensions"))
    encode = _base64 if call.body.get("encoding_format") == "base64" else _floats
    data = [{"object": "embedding", "index": at, "embedding": encode(vector)} for at, vector in enumerate(vectors)]
    counted = usage_object(usage or Usage())
    del counted["completion_tokens"]  # OpenAI has none here
    return {"object": "list", "data": data, "model": "", "usage": counted}


def inputs(given: Any) -> int:
    """How many vectors an `input` asks for: a text, a list of texts, token ids, or a list of those."""
    return len(given) if isinstance(given, list) and given and not isinstance(given[0], int) else 1


def holds_token_ids(given: Any) -> bool:
    """True when an `input` is token ids rather than text."""
    return isinstance(given, list) and any(isinstance(item, int | list) for item in given)


def _length(vector: list[float] | str) -> int:
    if isinstance(vector, list):
        return len(vector)
    size = len(_decoded(vector))
    if size % 4:
        raise malformed("an embedding that is not a row of float32")
    return size // 4


def _decoded(vector: str) -> bytes:
    try:
        return base64.b64decode(vector, validate=True)
    except binascii.Error as e:
        raise malformed("an embedding that is not base64") from e


def _base64(vector: list[float] | str) -> str:
    if isinstance(vector, str):
        return vector
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (OverflowError, struct.error) as e:
        raise malformed("an embedding with a number float32 cannot hold") from e


def _floats(vector: list[float] | str) -> list[float]:
    if isinstance(vector, list):
        return vector
    packed = _decoded(vector)
    numbers = list(struct.unpack(f"<{len(packed) // 4}f", packed))
    if not math.isfinite(sum(numbers)):
        raise malformed("an embedding with a number JSON cannot hold")
    return numbers
