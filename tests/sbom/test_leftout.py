"""What is left out on purpose."""

from pathlib import Path

import pytest

from sbom import leftout
from sbom.model import Refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[left-out]]\nname = "a"\nenvironments = ["serve"]\nasked-by = ["b"]\nreason = " "', "without a reason"),
        ('[[left-out]]\nname = "a"\nenvironments = ["serve"]\nreason = "x"', "asked-by"),
        ("[[left-out]", "left-out.toml"),
    ],
    ids=["no reason", "no asker", "no TOML"],
)
def test_a_table_that_does_not_say_all_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "left-out.toml"
    file.write_text(text)

    with pytest.raises(Refused, match=said):
        leftout.load(file)


def test_no_package_that_runs_code_at_every_start_is_needed_to_serve() -> None:
    assert "setuptools" in leftout.of(leftout.load(), "serve")


def test_the_locks_hold_nothing_that_is_left_out() -> None:
    told = leftout.load()
    locks = Path(__file__).parents[2] / "offline/locks"

    found = [
        f"{lock.name}: {name}"
        for kind in ("serve", "tools")
        for name in leftout.of(told, kind)
        for lock in locks.glob(f"{kind}-*.txt")
        if f"\n{name}==" in lock.read_text(encoding="ascii")
    ]

    assert found == []
