"""Which media a request may name: bytes in a `data:` URL always, an http(s) URL only where the operator allows it.

A model server fetches a URL it is given, so a URL is a way out of the site and into it (SSRF). Anything that is neither
(`file:`, a bare path, `s3:`) is refused everywhere.
"""

from collections.abc import Iterator
from typing import Any, Final

from appliance.domain.errors import BadRequest
from appliance.domain.model import Deployment
from appliance.domain.upstream import Body

_NAMES: Final = frozenset({"image", "video", "audio", "url", "path", "image_pil"})


def check_media(body: Body, to: Deployment) -> None:
    """Raise BadRequest for a message that names media this deployment may not be sent."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return
    for at, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str) or content is None:
            continue
        parts = content if isinstance(content, list) else [content]
        for where, part in enumerate(parts):
            for url in _urls(part):
                _check(url, allowed=to.media_urls, param=f"messages[{at}].content[{where}]")


def data_url_bytes(url: str, param: str) -> str:
    """The base64 text in a `data:` URL. Raises BadRequest for any other URL or encoding."""
    head, comma, payload = url.partition(",")
    if not head[:5].lower() == "data:" or not comma:
        raise BadRequest(
            "the server of this model takes media only inside the request; send a `data:` URL with base64", param=param
        )
    if not head.lower().endswith(";base64"):
        raise BadRequest("a `data:` URL must be base64 here: `data:image/png;base64,…`", param=param)
    return payload


def _urls(part: Any) -> Iterator[Any]:
    """Every value of a content part that a server would take as an address."""
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        if name.endswith("_url") or name in _NAMES:
            if isinstance(value, dict):
                yield from _urls(value)
            elif isinstance(value, list):
                yield from value
            elif value is not None:
                yield value


def _check(url: Any, *, allowed: bool, param: str) -> None:
    scheme = url[:8].lower() if isinstance(url, str) else ""
    if scheme.startswith("data:") or (allowed and scheme.startswith(("http://", "https://"))):
        return
    raise BadRequest("media must come inside the request as a `data:` URL; addresses are not fetched here", param=param)
