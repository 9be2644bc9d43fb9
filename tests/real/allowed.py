"""Differences between an emulator and the recording of its original that may stay, each with its reason.

Short by intent: what can be made equal is made equal. An entry nothing uses fails the test.
"""

from tests.real.compare import Allowed

ALLOWED: tuple[Allowed, ...] = ()
