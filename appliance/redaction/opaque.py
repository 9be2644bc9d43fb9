"""What no analysis can read: token ids, embedded prompts, images, audio and files."""

from typing import Any

from appliance.domain.errors import ContentBlocked
from appliance.domain.privacy import Media
from appliance.domain.upstream import Body
from appliance.redaction.schema import MEDIA_KEYS, MEDIA_OF_MESSAGE, TEXT_PARTS


def refuse_unreadable(body: Body) -> None:
    """Raises ContentBlocked for token ids and embedded prompts, in any place a server takes them."""
    for field in ("input", "prompt"):
        where = _token_ids(body.get(field), field)
        if where is not None:
            raise ContentBlocked(
                f"`{where}` holds token ids, which cannot be looked at for personal data; send text", param=where
            )
    for field in ("prompt_embeds", "prompt_token_ids"):
        if body.get(field) is not None:
            raise ContentBlocked(
                f"`{field}` cannot be looked at for personal data; send the prompt as text", param=field
            )


def _token_ids(value: Any, where: str) -> str | None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, int | float):
                return where
            found = _token_ids(item, f"{where}[{index}]")
            if found is not None:
                return found
    elif isinstance(value, dict) and "prompt_token_ids" in value:
        return f"{where}.prompt_token_ids"
    return None


def is_media(part: Any) -> bool:
    """What is not known to be text is media: a kind of part that is new tomorrow is not let through as words."""
    if not isinstance(part, dict):
        return False
    kind = part.get("type")
    if kind is None and isinstance(part.get("text"), str):
        kind = "text"
    return not isinstance(kind, str) or kind not in TEXT_PARTS or not part.keys().isdisjoint(MEDIA_KEYS)


def settle(body: Body, media: Media) -> Body:
    """The body as the policy lets its images, audio and files through; a copy where something was stripped.

    Raises ContentBlocked under `Media.BLOCK`, naming the place.
    """
    messages = body.get("messages")
    if media is Media.ALLOW or not isinstance(messages, list):
        return body
    kept: list[Any] | None = None
    for at, message in enumerate(messages):
        where = _first_media(message, at)
        if where is None:
            continue
        if media is Media.BLOCK:
            raise ContentBlocked(
                f"`{where}` is an image, audio or a file, which the privacy policy of this key does not let through",
                param=where,
            )
        kept = list(messages) if kept is None else kept
        kept[at] = _stripped(message)
    return body if kept is None else {**body, "messages": kept}


def _first_media(message: Any, at: int) -> str | None:
    if not isinstance(message, dict):
        return None
    for key in sorted(MEDIA_OF_MESSAGE & message.keys()):
        if message[key]:
            return f"messages[{at}].{key}"
    content = message.get("content")
    if isinstance(content, list):
        for index, part in enumerate(content):
            if is_media(part):
                return f"messages[{at}].content[{index}]"
    return None


def _stripped(message: Body) -> Body:
    kept = {key: value for key, value in message.items() if key not in MEDIA_OF_MESSAGE}
    content = kept.get("content")
    if isinstance(content, list):
        kept["content"] = [part for part in content if not is_media(part)] or ""
    return kept
