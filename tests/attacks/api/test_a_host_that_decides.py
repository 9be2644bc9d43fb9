"""CVE-2026-48710 and CVE-2026-49468: which route was protected was read from a URL that the `Host` header made up."""

import pytest

from tests.attacks.api.wire import send
from tests.e2e.planted import Planted

HOSTS = [
    "localhost/healthz?",
    "127.0.0.1/healthz#",
    "127.0.0.1:4000/../healthz",
    "127.0.0.1:4001\\healthz",
    "user@127.0.0.1",
    "127.0.0.1, evil.example",
    "127.0.0.1 evil.example",
    "127.0.0.1\t",
    "127.0.0.1:80:80",
    "127.0.0.1:port",
    "127.0.0.1.",
    "[::1",
    "::1",
    "evil.example",
    "evil.example:4001",
    "169.254.169.254",
    "0.0.0.0",
    "LOCALHOST%2Fhealthz",
    "xn--lcalhost-n2a",
    "",
]
ACCEPTED = ["localhost", "LOCALHOST", "127.0.0.1:1", "[::1]"]
CLAIMS = [
    ("x-forwarded-host", "localhost/healthz"),
    ("x-original-url", "/healthz"),
    ("x-rewrite-url", "/healthz"),
    ("x-forwarded-prefix", "/healthz"),
    ("x-forwarded-uri", "/healthz"),
    ("forwarded", "for=127.0.0.1;host=localhost;proto=https"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-real-ip", "127.0.0.1"),
    ("x-custom-ip-authorization", "127.0.0.1"),
    ("referer", "http://127.0.0.1/admin/keys"),
    ("origin", "http://127.0.0.1"),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("role", ["nobody", "member", "admin"])
def test_a_host_that_is_not_ours_is_refused_before_anything_else(attacked: Planted, host: str, role: str) -> None:
    for base, path in ((attacked.site.url, "/v1/models"), (attacked.site.admin_url, "/admin/keys")):
        said = send(base, "GET", path, {**attacked.headers(role), "host": host})
        assert said.headers["x-request-id"].startswith("req_")  # as every answer, also of the server itself

        assert (said.status, said.code) in {(400, "bad_host"), (421, "misdirected_request")}


@pytest.mark.parametrize("host", ACCEPTED)
def test_a_host_of_ours_changes_nothing_about_who_may(attacked: Planted, host: str) -> None:
    def status(role: str) -> int:
        return send(attacked.site.admin_url, "GET", "/admin/keys", {**attacked.headers(role), "host": host}).status

    assert {role: status(role) for role in ("nobody", "member", "admin")} == {
        "nobody": 401,
        "member": 403,
        "admin": 200,
    }


@pytest.mark.parametrize(("name", "value"), CLAIMS)
def test_no_claim_about_the_url_or_the_peer_changes_who_may(attacked: Planted, name: str, value: str) -> None:
    for path in ("/admin/keys", "/admin/events"):
        for role, status in (("nobody", 401), ("member", 403)):
            said = send(attacked.site.admin_url, "GET", path, {**attacked.headers(role), name: value})
            assert said.status == status
