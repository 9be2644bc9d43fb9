"""One compiled set for a folder of tests: it takes a moment and holds no state a test could see."""

import pytest

from appliance.redaction.recognisers.gate import Gated
from tests.appliance.redaction.recognisers.found import all_of_ours


@pytest.fixture(scope="session")
def everything() -> Gated:
    return all_of_ours()
