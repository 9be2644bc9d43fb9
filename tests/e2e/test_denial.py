"""A unit that denies what it does not list says by which address that can be seen; the gateway looks, and warns."""

import os
from pathlib import Path

from tests.e2e.gateway import Gateway

IGNORED = "IPAddressDeny is not in force"


def test_a_denial_that_is_not_in_force_is_told_at_the_start(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        gateway.start(env={**os.environ, "REDOUBT_DENIED_LOOPBACK": "127.255.255.1"})
        assert gateway.stop() == 0

        assert IGNORED in gateway.log.read_text()


def test_where_no_unit_claims_one_nothing_is_told(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        gateway.start()
        assert gateway.stop() == 0

        assert IGNORED not in gateway.log.read_text()
