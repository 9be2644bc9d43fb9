"""An upstream's words hold nothing that names a place. Laws in tests/properties/test_scrub.py."""

import pytest

from appliance.pipeline.scrub import LONGEST, scrub, scrub_param
from tests.fakes.site import a_deployment

TO = a_deployment(url="http://gpu-7.lab:8000", upstream_model="/srv/models/llama-3-70b-instruct")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("The model `/srv/models/llama-3-70b-instruct` does not exist.", "The model `llama` does not exist."),
        ("no model `x`. Valid aliases: tiny, payroll-assistant.", "no model `x`."),
        ("no model `x`.\nAvailable models:\n - payroll", "no model `x`."),
        ("HTTPConnectionPool(host='gpu-7.lab', port=8000)", "HTTPConnectionPool(host='…', port=8000)"),
        ("cannot reach GPU-7.LAB now", "cannot reach … now"),
        ("cannot reach http://10.0.0.7:8000/v1/models?key=1, stop", "cannot reach … stop"),
        ("cannot reach 10.0.0.7:8000", "cannot reach …"),
        ("cannot reach [fd00::7]:8000", "cannot reach […]:8000"),
        ("cannot reach vllm_server:8000", "cannot reach …"),
        ("open('/opt/models/secret.bin') failed", "open('…') failed"),
        ("open C:\\models\\secret.bin failed", "open … failed"),
        ("open('/models') failed", "open('…') failed"),
        ("no file in /models.", "no file in …"),
        ("--download-dir=/data is full", "--download-dir=… is full"),
        ("volume gpu:/models is gone", "volume gpu:… is gone"),
        ("nothing at //srv/models", "nothing at …"),
        ("nothing at C:/models", "nothing at C:…"),
        ("nothing at \\\\filer\\models", "nothing at …"),
        ("模型路径/models不存在", "模型路径…"),
        ("</models not closed", "<… not closed"),
        ("/v1/models/payroll-assistant is gone", "… is gone"),
        ("request chatcmpl-0af3-77 failed", "request … failed"),
        ("line one\r\n\tline two\x00\u2028three", "line one line two three"),
    ],
)
def test_what_names_a_place_is_gone_and_the_rest_stays(said: str, told: str) -> None:
    assert scrub(said, TO) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("The model `/models` does not exist.", "The model `llama` does not exist."),
        ("no config in /models.", "no config in llama."),
        ("open('/models/payroll.bin') failed", "open('…') failed"),
        ("open('/srv/models') failed", "open('…') failed"),
    ],
)
def test_a_model_named_by_its_folder_hides_no_path_below_it(said: str, told: str) -> None:
    assert scrub(said, a_deployment(url="http://gpu-7.lab:8000", upstream_model="/models")) == told


@pytest.mark.parametrize(
    "said",
    [
        "max_tokens=5000 cannot be greater than max_model_len=512. (parameter=max_tokens, value=5000)",
        "This model's maximum context length is 512 tokens. However, your prompt contains at least 513 input tokens.",
        "temperature must be in [0, 2], got -0.5",
        'Input should be a valid list: {"type": "list_type", "loc": "body.messages"}',
        "either/or and 3/4 of it, at one o'clock",
        "für `ü` 你好",
        "no </think> before the end, no </tool_call> either",
        "and/or, n/a, km/h, ja/nö, café/thé, 输入/输出, 和/或, 1 / 2, 3 /4, tokens/s, w/o",
        "cannot find '#/$defs/person' in the schema, nor '#/definitions/age'",
        "send it to /v1/chat/completions, or to /v1/embeddings. A base_url ends in /v1",
        "Content-Type must be application/json, Accept may be */*",
    ],
)
def test_ordinary_words_are_left_alone(said: str) -> None:
    assert scrub(said, TO) == said


def test_a_message_that_runs_to_pages_is_cut() -> None:
    told = scrub("word " * 10_000, TO)

    assert len(told) == LONGEST + 1
    assert told.endswith("…")


@pytest.mark.parametrize("param", ["messages", "messages[0].content", "max_tokens", "body.messages", None])
def test_the_name_of_a_field_passes(param: str | None) -> None:
    assert scrub_param(param, TO) == param


@pytest.mark.parametrize("param", ["", "gpu-7.lab", "/opt/models/a", "http://x/", "a b", "a" * 100, "10.0.0.7", "ä\nb"])
def test_anything_else_does_not(param: str) -> None:
    assert scrub_param(param, TO) is None
