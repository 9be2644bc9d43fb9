"""A list of what is beyond a server is worth something as long as it speaks of sentences that are asked."""

from tests.e2e.node_suite import SENTENCES
from tests.real.behind import PROVIDERS
from tests.real.beyond import BEYOND
from tests.real.setups import SERVERS


def test_what_is_beyond_a_server_are_sentences_of_the_suite() -> None:
    assert {sentence for beyond in BEYOND.values() for sentence in beyond} <= {*SENTENCES}


def test_every_server_that_is_run_is_driven_by_the_sdks() -> None:
    assert {server.name for server in SERVERS} == {*BEYOND} == {*PROVIDERS}
