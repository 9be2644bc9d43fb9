import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.egress.url import LONGEST, Origin, check_url, origin

GOOD = {
    "http://127.0.0.1:8000": Origin("http", "127.0.0.1", 8000),
    "http://127.0.0.1": Origin("http", "127.0.0.1", 80),
    "https://gpu1.site.example": Origin("https", "gpu1.site.example", 443),
    "HTTPS://GPU1.Site.example:8443/": Origin("https", "gpu1.site.example", 8443),
    "http://localhost:11434/base/path": Origin("http", "localhost", 11434),
    "http://[::1]:8000": Origin("http", "::1", 8000),
    "http://[fd00::12]": Origin("http", "fd00::12", 80),
    "http://gpu_1:65535/v1.2/~a/%20": Origin("http", "gpu_1", 65535),
    "http://gpu1.:80": Origin("http", "gpu1.", 80),
    "http://10e.example": Origin("http", "10e.example", 80),
}


@pytest.mark.parametrize("url", GOOD)
def test_an_ordinary_endpoint_url_has_no_problems(url: str) -> None:
    assert check_url(url) == []
    assert origin(url) == GOOD[url]


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "empty"),
        ("http://" + "a" * LONGEST, "longer"),
        ("127.0.0.1:8000", "form"),
        ("http:127.0.0.1", "form"),
        ("//127.0.0.1", "form"),
        ("ftp://127.0.0.1", "scheme"),
        ("unix:///run/x.sock", "scheme"),
        ("http://127.0.0.1/?a=b", "query"),
        ("http://127.0.0.1#x", "fragment"),
        ("http://127.0.0.1?", "query"),
        ("http://u:p@127.0.0.1", "password"),
        ("http://@127.0.0.1", "password"),
        ("http://:80", "host"),
        ("http:///x", "host"),
        ("http://127.0.0.1:0", "port"),
        ("http://127.0.0.1:65536", "port"),
        ("http://127.0.0.1:", "port"),
        ("http://127.0.0.1:-1", "port"),
        ("http://127.0.0.1:8a", "port"),
        ("http://127.0.0.1:999999999999", "port"),
        ("http://[::1]x", "port"),
        ("http://[::1", "IPv6"),
        ("http://[127.0.0.1]", "IPv6"),
        ("http://[]", "IPv6"),
        ("http://::1", "port"),
        ("http://a..b", "host name"),
        ("http://-a.b", "host name"),
        ("http://a_.b-", "host name"),
        ("http://" + "a" * 64, "host name"),
        ("http://a,b", "host name"),
        ("http://a/../b", "dot segments"),
        ("http://a/./b", "dot segments"),
        ("http://a/%2e%2E/b", "dot segments"),
        ("http://a/b%5cc", "separators"),
        ("http://a/b%00", "separators"),
        ("http://a/b%zz", "percent-encoded"),
        ("http://a/b<c", "percent-encoded"),
        ("http://a/b c", "space"),
    ],
)
def test_anything_else_is_refused_in_words(url: str, word: str) -> None:
    problems = check_url(url)

    assert any(word in problem for problem in problems), problems
    with pytest.raises(ValueError, match=r"url|host|port|path|scheme|address"):
        origin(url)


@given(st.text(max_size=60))
def test_no_text_makes_the_check_fail(text: str) -> None:
    for url in (text, f"http://{text}", f"http://a/{text}", f"http://[{text}]:1"):
        if not check_url(url):
            made = origin(url)
            assert made.scheme in {"http", "https"}
            assert made.host
            assert 0 < made.port < 65536
            assert not set(made.host) & set("/\\@#?%[] ")
