"""Images, audio and files, which are not analysed: let through, left out or refused."""

from typing import Any

import pytest

from appliance.domain.errors import ContentBlocked
from appliance.domain.privacy import Media
from appliance.domain.upstream import Body, Kind
from appliance.redaction.walk import leaves

PARTS: list[dict[str, Any]] = [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    {"image_url": "https://example.org/a.png"},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"type": "file", "file": {"file_data": "AAAA"}},
    {"type": "hologram", "text": "new tomorrow"},
    {"type": "text", "text": "hidden behind a word", "image_url": {"url": "https://example.org/a.png"}},
]


def body(*parts: Body) -> Body:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, *parts]}]}


@pytest.mark.parametrize("part", PARTS)
def test_media_are_refused_by_their_place(part: Body) -> None:
    with pytest.raises(ContentBlocked) as refused:
        leaves(Kind.CHAT, body(part), Media.BLOCK)

    assert refused.value.param == "messages[0].content[1]"


@pytest.mark.parametrize("part", PARTS)
def test_media_are_left_out_of_a_copy(part: Body) -> None:
    given = body(part)

    found = leaves(Kind.CHAT, given, Media.STRIP)

    assert found.body == body()
    assert given == body(part)


def test_a_message_of_media_alone_keeps_an_empty_text() -> None:
    given: Body = {"messages": [{"role": "user", "content": PARTS[:2], "images": ["AAAA"]}]}

    assert leaves(Kind.CHAT, given, Media.STRIP).body == {"messages": [{"role": "user", "content": ""}]}


@pytest.mark.parametrize("field", ["images", "audio", "videos", "files"])
def test_media_beside_the_content_are_media(field: str) -> None:
    with pytest.raises(ContentBlocked) as refused:
        leaves(Kind.CHAT, {"messages": [{"role": "user", "content": "x", field: ["AAAA"]}]}, Media.BLOCK)

    assert refused.value.param == f"messages[0].{field}"


def test_a_files_name_is_walked_where_files_are_let_through_and_its_data_is_not() -> None:
    part = {"type": "file", "file": {"filename": "Ann.pdf", "file_data": "AAAA", "file_id": "f-1"}}

    assert leaves(Kind.CHAT, body(part), Media.ALLOW).texts == ["see", "Ann.pdf"]


def test_a_chat_without_media_is_not_copied() -> None:
    given = body()

    assert leaves(Kind.CHAT, given, Media.STRIP).body is given
