"""Secrets: known forms, named values, random strings. Made by seed, none was ever in use."""

import random
import string

import pytest

from appliance.redaction.recognisers.gate import Gated
from tests.appliance.redaction.recognisers.found import found

RNG = random.Random(20261203)


def made(alphabet: str, length: int) -> str:
    return "".join(RNG.choice(alphabet) for _ in range(length))


ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
TOKENS = (
    "AKIA" + made(string.ascii_uppercase + string.digits, 16),
    "ghp_" + made(ALNUM, 36),
    "github_pat_" + made(ALNUM, 82),
    "glpat-" + made(ALNUM, 20),
    "xoxb-" + made(string.digits, 12) + "-" + made(ALNUM, 24),
    "sk_live_" + made(ALNUM, 24),
    "sk-proj-" + made(ALNUM, 48),
    "sk-" + made(ALNUM, 48),
    "npm_" + made(ALNUM, 36),
    "pypi-AgE" + made(ALNUM, 80),
    made("123456789", 9) + ":AA" + made(ALNUM, 33),
    "AC" + made(HEX, 32),
    "AIza" + made(ALNUM, 35),
    "rdt_" + made(ALNUM, 36),
    "hf_" + made(ALNUM, 34),
    "glsa_" + made(ALNUM, 32) + "_" + made(HEX, 8),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + made(ALNUM, 43),
)
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(made(ALNUM + "+/", 64) for _ in range(12))
    + "\n-----END RSA PRIVATE KEY-----"
)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("sentence", ["use {} please", 'key = "{}"', "export TOKEN={}\n", '{{"auth": "{}"}}', "({})"])
def test_a_token_is_found_by_its_form(everything: Gated, token: str, sentence: str) -> None:
    assert token in found(everything, sentence.format(token), "SECRET")


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        PEM.replace("\n", "\\n"),  # inside JSON
        PEM.replace("RSA ", ""),
        PEM.replace("RSA ", "ENCRYPTED "),
    ],
)
def test_a_private_key_is_found_whole(everything: Gated, text: str) -> None:
    assert text in found(everything, f"here: {text} ok", "SECRET")


def test_a_private_key_that_was_cut_off_is_found_as_far_as_it_goes(everything: Gated) -> None:
    cut = PEM[:200]

    assert cut in found(everything, cut, "SECRET")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2x", "hunter2x"),
        ("password = 'my-Tr1cky-pass'", "my-Tr1cky-pass"),
        ('"password": "correct-horse-9"', "correct-horse-9"),
        ("DB_PASSWORD: s3cr3t!value", "s3cr3t!value"),
        ("api_key = 'a8f5f167f44f4964e6c998dee827110c'", "a8f5f167f44f4964e6c998dee827110c"),
        ("client_secret => 'Zm9vYmFyMTIz'", "Zm9vYmFyMTIz"),
        ("my password is Tr0ub4dor&3.", "Tr0ub4dor&3"),
        ("das Passwort lautet: Sommer2026!", "Sommer2026"),
        ("postgres://app:pa55word@db.corp/x", "pa55word"),
        ("Authorization: Bearer abcdefghij0123456789abcdefghij", "abcdefghij0123456789abcdefghij"),
    ],
)
def test_a_value_with_a_secrets_name_is_found(everything: Gated, text: str, secret: str) -> None:
    assert secret in found(everything, text, "SECRET")


@pytest.mark.parametrize(
    "text",
    [
        "password=<your password>",
        "password: ${DB_PASSWORD}",
        "password = os.environ['DB_PASSWORD']",
        "token: str",
        "def login(password: str, token: bytes) -> None:",
        "token = get_token(user)",
        "api_key=YOUR_API_KEY",
        "password: {{ vault_password }}",
        "secret: xxxxxxxxxxxx",
        "the password is required",
        "password: file:/run/credentials/db",
        "public_key = load()",
        "-----BEGIN PUBLIC KEY-----",
        "max_tokens: 100000",
        "key: value",
    ],
)
def test_a_placeholder_is_no_secret(everything: Gated, text: str) -> None:
    assert found(everything, text, "SECRET") == set()


def test_a_random_string_counts_inside_quotation_marks_only(everything: Gated) -> None:
    value = "kQ7vXz2mP9sLr4TgYb1NcW8hJd3FuAeR"

    assert found(everything, f'seed = "{value}"', "SECRET") == {value}
    assert found(everything, f"branch {value} merged", "SECRET") == set()
