"""The nftables table, loaded in a namespace with a far side: the gateway's user is held, nobody else is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from installer.nftables import rules
from installer.systemd import UnitError
from tests.system.needs import missing, need

ROOT = Path(__file__).parents[3]
TEMPLATE = (ROOT / "installer" / "units" / "redoubt.nft").read_text()
FAR = Path(__file__).with_name("far.py")


def test_the_user_reaches_the_allow_list_and_nothing_else_and_others_are_left_alone(tmp_path: Path) -> None:
    told = _far(rules(TEMPLATE, user="nobody", networks=["10.20.0.0/24", "fd00:20::/64"]), tmp_path)

    assert told["nobody"] == {
        "10.20.0.2": "connected", "fd00:20::2": "connected", "127.0.0.1": "connected",
        "10.21.0.2": "refused", "fd00:21::2": "refused",
    }  # fmt: skip
    assert set(told["root"].values()) == {"connected"}
    assert told["answered"] == "connected"  # a client of a network that is not listed gets its answer
    assert told["counters"]["allowed"] >= 2
    assert told["counters"]["refused"] >= 2


def test_without_a_network_loopback_is_all_there_is(tmp_path: Path) -> None:
    told = _far(rules(TEMPLATE, user="nobody", networks=[]), tmp_path)

    assert {to for to, how in told["nobody"].items() if how == "connected"} == {"127.0.0.1"}


def test_a_user_nobody_knows_and_broken_rules_are_refused(tmp_path: Path) -> None:
    good = rules(TEMPLATE, user="nobody", networks=[])

    for text in (good.replace('"nobody"', '"no-such-user"'), good.replace("goto gateway", "goto nowhere")):
        told = _far(text, tmp_path)
        assert "nft cannot use the rules" in told["error"]


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "10.0.0.0/8 }", "gpu.internal"])
def test_a_network_that_is_everything_or_none_is_refused(network: str) -> None:
    with pytest.raises(UnitError, match="networks: "):
        rules(TEMPLATE, user="redoubt", networks=[network])


def _far(text: str, folder: Path) -> Any:
    if os.geteuid() != 0:
        missing("loading rules needs root in a namespace of its own")
    need("nft", "nftables")
    need("ip", "iproute2")
    file = folder / "redoubt.nft"
    file.write_text(text)
    command = ["unshare", "--net", "--mount", sys.executable, str(FAR), str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT, env=_here())
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout)


def _here() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
