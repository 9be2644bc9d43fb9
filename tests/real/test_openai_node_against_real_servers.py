"""openai-node, unmodified, through a real gateway to a real server: each sentence of `tests/e2e/node/suite.mjs`.

What a server cannot do is listed with its reason and with what its client is told: it must fail, and in that way.
"""

import re

import pytest

from tests.e2e.node_suite import SENTENCES, Told, told
from tests.real.behind import Real
from tests.real.beyond import BEYOND

pytestmark = pytest.mark.timeout(900)  # the first test waits for the server, and vLLM takes minutes on a busy machine


@pytest.fixture(scope="module")
def suite(real: Real, embedder: str | None) -> dict[str, Told]:
    """What the suite says of each sentence."""
    spent, patient = real.site.new_key("node-spent", budget_tokens=0), real.site.new_key("node-patient")
    given = {
        "BASE_URL": f"{real.site.url}/v1",
        "KEY": real.key,
        "MODEL": "real",
        "SLOW_MODEL": "real",
        "VISION_MODEL": "real",
        "EMBEDDER": embedder or "",
        "SPENT_KEY": spent.value,
        "SPENT_ID": spent.id,
        "PATIENT_KEY": patient.value,
        "PATIENT_ID": patient.id,
        "ADMIN_URL": real.site.admin_url,
        "ADMIN_KEY": real.site.admin_key,
        "UPSTREAM": real.url,
        "SLOW_UPSTREAM": real.url,
        "CALLS": "several",
        "LONG": "600",
        "WATCHED": "metrics" if real.can("vllm") else "",
        "OVERLOAD": "crowd" if real.can("vllm") else "",
    }
    return told(given, seconds=600)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_with_openai_node(sentence: str, suite: dict[str, Told], real: Real) -> None:
    beyond = BEYOND[real.name].get(sentence)
    if beyond is None:
        assert suite[sentence].ok, suite[sentence].error
        return

    assert not suite[sentence].ok, f"it can, though it is listed as beyond it: {beyond.reason}"
    assert re.search(beyond.told, suite[sentence].error), suite[sentence].error
    pytest.xfail(beyond.reason)


def test_every_sentence_of_the_suite_is_reported(suite: dict[str, Told]) -> None:
    assert tuple(suite) == SENTENCES
