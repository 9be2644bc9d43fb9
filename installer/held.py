"""One installer at a time for each site."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from installer.disk import PRIVATE
from installer.failure import Failed
from installer.layout import Layout


class Busy(Failed):
    """Another installer works on this site."""


@contextmanager
def held(layout: Layout) -> Iterator[int]:
    """Hold the site until the block ends, or this process and every one that it handed the descriptor to.

    A program of ours that outlives a killed installer still works on the site. Raises Busy.
    """
    layout.state.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    except BlockingIOError:
        raise Busy(f"another installer works on `{layout.prefix}`; wait for it, or look at `status`") from None
    finally:
        os.close(descriptor)
