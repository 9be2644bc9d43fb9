"""Laws of the scrubber: whatever surrounds it, what names a place does not come through."""

import re

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from appliance.domain.upstream import Failure, FailureKind
from appliance.pipeline.attempt import explain
from appliance.pipeline.scrub import LONGEST, scrub
from tests.fakes.site import a_deployment

TO = a_deployment(url="http://gpu-7.lab:8000", upstream_model="qwen3-coder-480b")
NUMBER = st.integers(0, 255).map(str)
IPV4 = st.lists(NUMBER, min_size=4, max_size=4).map(".".join)
IPV6 = st.ip_addresses(v=6).map(str).filter(lambda text: text.count(":") > 2)
LABEL = st.from_regex(r"[a-z][a-z0-9]{2,8}(-[a-z0-9]{1,4})?", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
PORT = st.integers(10, 65535)
SEGMENT = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{1,10}[A-Za-z0-9]", fullmatch=True)
PATH = st.lists(SEGMENT, min_size=2, max_size=5).map(lambda parts: "/" + "/".join(parts))
NAMED = SEGMENT.filter(lambda name: not name.isdecimal())  # a number behind a slash may be a fraction
ROOT = NAMED.map("/{}".format)
ADDRESS = IPV4 | IPV6 | st.builds("{}:{}".format, HOST | IPV4, PORT)
URL = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "file", "tcp", "s3"]),
    st.builds("{}:{}".format, HOST, PORT) | HOST,
    PATH,
)
ID = st.builds(
    "{}-{}".format,
    st.sampled_from(["chatcmpl", "cmpl", "embd", "req"]),
    st.from_regex(r"[0-9a-f]{8,32}", fullmatch=True),
)
OURS = st.sampled_from(["gpu-7.lab", "GPU-7.Lab", "qwen3-coder-480b", "gpu-7.lab:8000"])
SECRET = st.one_of(IPV4, IPV6, ADDRESS, PATH, URL, ID, OURS)
EDGE = st.sampled_from([" ", "'", '"', "`", "(", ")", "[", "]", "<", ">", "=", ",", ";", "\n", "\t", "|", "!", "?"])
WORDS = st.text(max_size=40)


def said(before: str, left: str, secret: str, right: str, after: str) -> str:
    return f"{before}{left}{secret}{right}{after}"


@settings(deadline=None)
@given(WORDS, EDGE, SECRET, EDGE, WORDS)
def test_no_place_comes_through_whatever_stands_around_it(
    before: str, left: str, secret: str, right: str, after: str
) -> None:
    told = scrub(said(before, left, secret, right, after), TO)

    assert secret.lower() not in told.lower()


@settings(deadline=None)
@given(WORDS, EDGE, ROOT, EDGE, WORDS)
def test_a_folder_at_the_root_does_not_come_through(before: str, left: str, path: str, right: str, after: str) -> None:
    assume((left, right) != ("<", ">"))  # a closing tag

    told = scrub(said(before, left, path, right, after), TO)

    assert path.lower() not in told.lower()


@settings(deadline=None)
@given(WORDS, EDGE, IPV4, EDGE, WORDS)
def test_no_part_of_an_address_comes_through(before: str, left: str, address: str, right: str, after: str) -> None:
    told = scrub(said(before.translate(DIGITLESS), left, address, right, after.translate(DIGITLESS)), TO)

    assert not re.search(r"\d", told)


DIGITLESS = {code: None for code in range(0x10000) if re.match(r"\d", chr(code))}


@settings(deadline=None)
@given(st.sampled_from(["v", "_", "x", "-", "@", "://", "//", "ip-", "ip_", "host.", "http_"]), IPV4)
def test_an_address_glued_to_a_word_does_not_come_through(glue: str, address: str) -> None:
    assert address not in scrub(f"no answer from {glue}{address} in time", TO)


@settings(deadline=None)
@given(WORDS, SECRET, WORDS, st.sampled_from(FailureKind))
def test_no_message_a_client_gets_names_a_place(before: str, secret: str, after: str, kind: FailureKind) -> None:
    failure = Failure(kind=kind, message=f"{before} {secret} {after}", param=secret)

    error = explain([(TO, failure)])

    assert secret.lower() not in error.message.lower().replace("attempt", "")
    assert error.param is None or secret != error.param or re.fullmatch(r"[A-Za-z_][\w.\[\]-]*", secret)


@settings(deadline=None)
@given(st.text(max_size=3000))
def test_a_message_is_one_line_of_bounded_length(text: str) -> None:
    told = scrub(text, TO)

    assert len(told) <= LONGEST + 1
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u2029]", told)


WORD = st.from_regex(r"[A-Za-zà-öø-ÿ]{1,9}", fullmatch=True)
IDEOGRAPHS = st.from_regex(r"[一-鿿]{1,9}", fullmatch=True)
COUNT = st.integers(0, 999).map(str)
ORDINARY = st.one_of(
    WORD,
    st.lists(WORD, min_size=2, max_size=3).map("/".join),
    st.lists(IDEOGRAPHS, min_size=1, max_size=3).map("/".join),
    st.builds("{}/{}".format, COUNT, COUNT | WORD),
    st.builds("{} /{}".format, COUNT, COUNT),
    st.sampled_from(["/", "//", "*/*", "</s>", "<br/>", "/v1", "/v1/models", "/v1/chat/completions", "/v1/embeddings"]),
    st.from_regex(r"</[a-z_]{1,9}>", fullmatch=True),
    st.from_regex(r"#(/[a-z]{1,6}){1,3}", fullmatch=True),
)


@settings(deadline=None)
@given(st.lists(ORDINARY).map(" ".join))
def test_ordinary_words_stay_though_they_hold_slashes(text: str) -> None:
    assert scrub(text, TO) == text
