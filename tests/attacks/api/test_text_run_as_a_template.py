"""CVE-2024-2952, GHSA-xqmj-j6mv-4862: a client's text was run as a template, and so as code."""

import ast
import json
from pathlib import Path

import pytest

from tests.attacks.api.wire import send
from tests.e2e.planted import Planted

ROOT = Path(__file__).parents[3]
TEMPLATES = [
    "{{7*7}}",
    "{% for x in ().__class__.__bases__ %}{{x}}{% endfor %}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "%(x)s{0.__class__}",
]


@pytest.mark.parametrize("role", ["member", "admin"])
def test_a_chat_template_of_a_clients_own_is_refused(attacked: Planted, role: str) -> None:
    body = {"model": "chat", "messages": [{"role": "user", "content": "hi"}], "chat_template": TEMPLATES[1]}

    said = send(attacked.site.url, "POST", "/v1/chat/completions", attacked.headers(role), json.dumps(body).encode())

    assert (said.status, said.code) == (403, "field_not_allowed")


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_in_a_name_is_given_back_as_it_came(attacked: Planted, text: str) -> None:
    body = {"model": text, "messages": [{"role": "user", "content": text}]}

    said = send(attacked.site.url, "POST", "/v1/chat/completions", attacked.headers("admin"), json.dumps(body).encode())

    assert said.status == 404
    assert f"`{text}`" in json.loads(said.text)["error"]["message"]


def test_nothing_of_ours_runs_text_as_code() -> None:
    """No sandbox to break out of: CVE-2026-40217 was an `exec` in one."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.func.id}"
        for folder in ("appliance", "providers")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"eval", "exec", "compile", "__import__"}
    ]
    assert found == []
