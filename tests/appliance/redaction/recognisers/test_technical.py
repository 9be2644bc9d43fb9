"""What is not personal stays: at most one false finding in 10 KB of code, logs and how-to prose."""

import pytest

from appliance.redaction.recognisers.gate import Gated
from tests.appliance.redaction.recognisers.found import above
from tests.appliance.redaction.recognisers.technical import KINDS, corpus

SHORT, LONG = 40 * 1024, 400 * 1024
SEED = 20261201


@pytest.mark.parametrize("kind", KINDS)
def test_at_most_one_finding_in_ten_kilobytes(everything: Gated, kind: str, *, long_run: bool) -> None:
    text = corpus(kind, LONG if long_run else SHORT, SEED)

    taken = [(one.entity, text[one.start : one.end]) for one in above(everything, text)]

    assert len(taken) <= len(text) / 10_240, taken[:20]


@pytest.mark.parametrize(
    "text",
    [
        "S3, EKS, Helm and Jenkins run on v1.29.3-eks-5e0fdde",
        "Chrome/120.0.6099.109 and GCC 2.7.2.3 (1.2.5.1-2)",
        "from appliance.store import schema",
        "see numpy.ma, operator.lt, user.email, self.id and expect(x).to.be",
        "ASP.NET, Node.js, Vue.js and configure.ac",
        "3f786850e387550fdab836ed7e6dc881de23001b",
        "550e8400-e29b-41d4-a716-446655440000",
        "sha512-z8PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "std::vector<int> a::b(dead::beef)",
        "10:20:30 and 2026-11-29T14:52:35.123Z",
        "the price is $1,234,567.89 or 12.5 %",
        "0x00007fff5fbff8c8 0644 0755",
        "the disk is 3 days old; logs older than 90 days go",
        "May I march on? Sat, sec, dec and mar are names too",
        "pi is 3.14159265358979 and e 2.718281828",
        "chapter 12.4.2, section 3, step 7 Open Settings",
        "postgresql@15-main.service",
    ],
)
def test_technical_words_stay(everything: Gated, text: str) -> None:
    assert [(one.entity, text[one.start : one.end]) for one in above(everything, text)] == []
