"""The gateway's user may write into the folders of its log and its number; the installer may be root."""

import fcntl
import os
from pathlib import Path

import pytest

from installer.layout import Layout, within
from installer.process import ProcessService


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = within(tmp_path)
    for folder in (made.run, made.log, made.data):
        folder.mkdir()
    return made


def test_a_log_that_was_made_a_link_is_not_written_through(layout: Layout, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (layout.log / "gateway.log").symlink_to(precious)

    with pytest.raises(OSError, match="symbolic links"):
        ProcessService(layout).start()

    assert precious.read_text() == "precious"
    assert "cannot be read" in ProcessService(layout).last_words()


def test_a_lock_that_was_made_a_pipe_hangs_nobody(layout: Layout) -> None:
    os.mkfifo(layout.data / "gateway.lock")

    with pytest.raises(OSError, match="no plain file"):
        ProcessService(layout).running()


def test_a_number_that_names_a_process_of_somebody_else_is_not_believed(layout: Layout) -> None:
    (layout.run / "gateway.pid").write_text("1\n")

    with (layout.run / "alive").open("wb") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        service = ProcessService(layout)
        assert service.running()
        assert service._process() is None


def test_the_last_words_are_one_printable_line(layout: Layout) -> None:
    (layout.log / "gateway.log").write_bytes(b"first\nredoubt: `acme` \x1b[31mis not here\n\n")

    assert ProcessService(layout).last_words().startswith("redoubt: `acme` [31mis not here (the rest is in ")
