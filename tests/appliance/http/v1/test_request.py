import pytest

from appliance.domain.errors import BadRequest, BodyTooLarge, ClientGone, InvalidKey, UnsupportedMediaType
from appliance.http.request_id import new_request_id
from appliance.http.v1.request import bearer, read_body
from tests.fakes.client import FakeClient

LIMIT = 10
Headers = list[tuple[bytes, bytes]]


async def read(*pieces: bytes, headers: Headers | None = None) -> bytes:
    return await read_body(headers or [], FakeClient(pieces).receive, LIMIT)


def test_request_ids_are_ours_and_never_the_same() -> None:
    ids = {new_request_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(one.startswith("req_") and len(one) == 28 for one in ids)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer abc")],
        [(b"authorization", b"bearer abc")],
        [(b"authorization", b"BEARER   abc ")],
        [(b"x-api-key", b"abc")],
        [(b"api-key", b"abc")],
        [(b"api-key", b"abc"), (b"x-api-key", b"abc"), (b"authorization", b"Bearer abc")],
        [(b"host", b"x"), (b"authorization", b"Bearer abc"), (b"authorization", b"Bearer abc")],
    ],
)
def test_a_key_comes_in_any_of_three_headers(headers: Headers) -> None:
    assert bearer(headers) == "abc"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"x")],
        [(b"authorization", b"Basic YTpi")],
        [(b"authorization", b"abc")],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer-abc")],
        [(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer def")],
        [(b"authorization", b"Bearer abc"), (b"x-api-key", b"def")],
        [(b"x-api-key", b"abc"), (b"api-key", b"def")],
        [(b"authorization", b"Basic YTpi"), (b"x-api-key", b"abc")],
        [(b"x-goog-api-key", b"abc")],
    ],
)
def test_none_and_two_and_another_scheme_are_refused(headers: Headers) -> None:
    with pytest.raises(InvalidKey) as refused:
        bearer(headers)

    assert not any(secret in refused.value.message for secret in ("abc", "def", "YTpi"))


@pytest.mark.parametrize("value", [b"Bearer ", b"Bearer \xff\xfe", b"Bearer a b"])
def test_an_odd_token_is_no_fault(value: bytes) -> None:
    assert isinstance(bearer([(b"authorization", value)]), str)


@pytest.mark.parametrize("pieces", [(b"",), (b"0123456789",), (b"01234", b"56789"), (b"", b"0", b"", b"1", b"")])
async def test_a_body_is_all_its_pieces(pieces: tuple[bytes, ...]) -> None:
    assert await read(*pieces) == b"".join(pieces)


@pytest.mark.parametrize("pieces", [(b"0" * 11,), (b"0" * 10, b"0"), (b"0",) * 11])
async def test_a_body_beyond_the_limit_is_refused(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(BodyTooLarge):
        await read(*pieces)


async def test_no_more_is_read_than_tells_that_it_is_too_much() -> None:
    client = FakeClient([b"0" * 6] * 1000)

    with pytest.raises(BodyTooLarge):
        await read_body([], client.receive, LIMIT)

    assert len(client._pieces) == 998


@pytest.mark.parametrize("length", [b"11", b"9" * 17, b"9" * 4000])
async def test_an_announced_length_beyond_the_limit_is_refused_before_a_byte_is_read(length: bytes) -> None:
    client = FakeClient([b"{}"])

    with pytest.raises(BodyTooLarge):
        await read_body([(b"content-length", length)], client.receive, LIMIT)

    assert len(client._pieces) == 1


@pytest.mark.parametrize("length", [b"", b"abc", b"-1", b"+5", b"1_0", b"0x5", b"5 5", b"\xb2"])
async def test_an_announced_length_that_is_no_number_is_refused(length: bytes) -> None:
    with pytest.raises(BadRequest):
        await read(b"{}", headers=[(b"content-length", length)])


async def test_an_announced_length_does_not_lift_the_limit() -> None:
    with pytest.raises(BodyTooLarge):
        await read(b"0" * 11, headers=[(b"content-length", b"2")])


@pytest.mark.parametrize(
    "kind", [b"application/json", b"Application/JSON", b"application/json; charset=utf-8", b"application/json ;x"]
)
async def test_json_is_taken_under_its_names(kind: bytes) -> None:
    assert await read(b"{}", headers=[(b"content-type", kind)]) == b"{}"


async def test_a_body_without_a_type_is_taken_as_json() -> None:
    assert await read(b"{}") == b"{}"


@pytest.mark.parametrize(
    "kind", [b"", b"text/plain", b"application/jsonp", b"application/json-seq", b"multipart/form-data; boundary=x"]
)
async def test_another_type_is_415(kind: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        await read(b"{}", headers=[(b"content-type", kind)])


async def test_a_client_that_leaves_half_way_is_gone() -> None:
    client = FakeClient([b"{", b"}"])
    await client.receive()
    client.leave()

    with pytest.raises(ClientGone):
        await read_body([], client.receive, LIMIT)
