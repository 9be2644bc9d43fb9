"""Bodies that are no JSON, too much of it, or JSON that two readers read differently; on both listeners."""

import json
import time

import pytest

from tests.attacks.api.wire import Said, send
from tests.e2e.planted import Planted

CHAT = b'{"model":"chat","messages":[{"role":"user","content":"hi"}]%s}'
KEY = b'{"name":"attacked"%s}'
BROKEN = {
    "nothing": b"",
    "half an object": b'{"model":',
    "an array": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "two objects": b"{}{}",
    "a trailing comma": b'{"a":1,}',
    "a comment": b'{"a":1/*x*/}',
    "single quotes": b"{'a':1}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a":1}'.encode("utf-16"),
    "latin-1": b'{"a":"\xe9"}',
    "overlong utf-8": b'{"a":"\xc0\xaf"}',
    "a control character": b'{"a":"\x01"}',
    "a form": b"model=chat&messages=x",
    "xml": b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>",
    "a gzip member": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}
MEMBERS = {
    "not a number": b',"x":NaN',
    "infinity": b',"x":Infinity',
    "minus infinity": b',"x":-Infinity',
    "a number beyond a double": b',"x":1e400',
    "a number of 5,000 digits": b',"x":' + b"9" * 5000,
    "a key twice": b',"x":1,"x":2',
    "a key twice, once escaped": b',"x":1,"\\u0078":2',
    "half a surrogate pair": b',"x":"\\ud800"',
    "half a surrogate pair as a key": b',"\\udfff":1',
    "a surrogate pair the wrong way round": b',"x":"\\udc00\\ud800"',
    "nesting of 100": b',"x":' + b"[" * 100 + b"]" * 100,
    "nesting of 100,000": b',"x":' + b"[" * 100_000 + b"]" * 100_000,
    "nesting of objects": b',"x":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "nesting never closed": b',"x":' + b"[" * 500_000,
    "a string never closed": b',"x":"' + b'\\"' * 200_000,
}
TWINS = {
    "the model twice by case": b',"Model":"canary-neighbour-c3e8"',
    "the model once more": b',"model":"canary-neighbour-c3e8"',
    "a stream twin": b',"STREAM":true',
}
HUGE = {"2^63": 2**63, "2^64": 2**64, "2^70": 2**70, "-2^63-1": -(2**63) - 1, "10^400": 10**400}


def refused(said: Said) -> bool:
    error = json.loads(said.text)["error"]
    return said.status == 400 and said.code == "invalid_value" and set(error) == {"message", "type", "param", "code"}


def ask(attacked: Planted, body: bytes, path: str = "/v1/chat/completions") -> Said:
    return send(attacked.site.url, "POST", path, attacked.headers("member"), body)


def make(attacked: Planted, body: bytes) -> Said:
    return send(attacked.site.admin_url, "POST", "/admin/keys", attacked.headers("admin"), body)


@pytest.mark.parametrize("body", BROKEN.values(), ids=[*BROKEN])
def test_what_is_no_json_object_is_refused(attacked: Planted, body: bytes) -> None:
    for path in ("/v1/chat/completions", "/completions", "/v1/embeddings"):
        assert refused(ask(attacked, body, path))
    assert refused(make(attacked, body))


@pytest.mark.parametrize("member", MEMBERS.values(), ids=[*MEMBERS])
def test_json_that_cannot_be_read_one_way_only_is_refused_at_once(attacked: Planted, member: bytes) -> None:
    began = time.monotonic()

    assert refused(ask(attacked, CHAT % member))
    assert refused(make(attacked, KEY % member))
    assert time.monotonic() - began < 20  # a quadratic reader takes minutes


@pytest.mark.parametrize("member", TWINS.values(), ids=[*TWINS])
def test_no_second_spelling_of_a_field_passes_the_check_of_the_first(attacked: Planted, member: bytes) -> None:
    assert refused(ask(attacked, CHAT % member))


@pytest.mark.parametrize("number", HUGE.values(), ids=[*HUGE])
@pytest.mark.parametrize("field", ["seed", "n", "max_tokens", "temperature", "x", "top_k"])
def test_a_number_of_any_size_is_passed_on_or_refused(attacked: Planted, field: str, number: int) -> None:
    said = ask(attacked, CHAT % f',"{field}":{number}'.encode())

    assert said.status == 200 or 400 <= said.status < 500, said.text


@pytest.mark.parametrize("number", HUGE.values(), ids=[*HUGE])
@pytest.mark.parametrize("field", ["rpm", "tpm", "parallel", "budget", "budget_tokens"])
def test_a_limit_of_any_size_is_refused(attacked: Planted, field: str, number: int) -> None:
    assert refused(make(attacked, KEY % f',"limits":{{"{field}":{number}}}'.encode()))


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "",
    ],
)
def test_another_content_type_is_refused(attacked: Planted, kind: str) -> None:
    headers = {"content-type": kind}

    api = send(attacked.site.url, "POST", "/v1/chat/completions", {**attacked.headers("member"), **headers}, CHAT % b"")
    admin = send(attacked.site.admin_url, "POST", "/admin/keys", {**attacked.headers("admin"), **headers}, KEY % b"")

    assert (api.status, admin.status) == (415, 415)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-unknown"])
def test_a_body_that_is_packed_is_not_unpacked(attacked: Planted, coding: str) -> None:
    said = send(
        attacked.site.url,
        "POST",
        "/v1/chat/completions",
        {**attacked.headers("member"), "content-encoding": coding},
        b"x",
    )

    assert (said.status, said.code) == (415, "unsupported_media_type")


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(attacked: Planted) -> None:
    for base, path, role in (
        (attacked.site.url, "/v1/chat/completions", "member"),
        (attacked.site.admin_url, "/admin/keys", "admin"),
    ):
        said = send(base, "POST", path, {**attacked.headers(role), "content-length": str(10**12)}, b"")
        assert (said.status, said.code) == (413, "body_too_large")
