"""Texts made to be slow: the time they take grows as they grow, and no kilobyte of them is dear.

Time is the process's own, compared with itself; the ceiling per kilobyte is many times what any case was measured at.
"""

import random
import time

import pytest

from appliance.redaction.recognisers.gate import Gated

SMALL, LARGE = 4 * 1024, 32 * 1024
STEEPEST = 4.0  # times what linear growth would give; quadratic growth gives 8
CEILING = 0.5  # seconds of CPU per KB. Measured: 0.02 at most.
UNITS = (
    *(".", "7", "a.", "@", " ", "\n", ":", '"', "'", "(", "ü", "中", "-", "/", "=", "%", "\\"),
    *(
        '{"a":[',
        "1 ",
        "4444 ",
        "12-",
        "1.",
        "1.1.1.1 ",
        "a@",
        "a@a.",
        "a://",
        "://",
        "www.",
        "a.de ",
        "eyJ",
        "eyJabcdefgh.",
    ),
    *(
        "password=",
        "key: ab1234 ",
        'token="',
        "bearer ",
        "-----BEGIN PRIVATE KEY-----",
        "[PERSON_",
        "Mr. ",
        "age ",
        "12 Ab ",
    ),
    *(
        "DE89 3704 0044 0532 0130 01 ",
        "Abcstraße ",
        "12 rue de la ",
        "756.",
        "X1234567",
        "123-45-6789 ",
        "(555) ",
        "+1 ",
        "Mar ",
    ),
    *(
        "01712345678\n",
        "1/1/20 ",
        "x0",
        "SG.",
        "bc1q",
        "a1b2c3d4e5f6g7h8i9j0k1l2m3n4'",
        "1" * 19 + " ",
        "00:",
        "::",
        "2024-01-",
    ),
)


def cost(recogniser: Gated, text: str) -> float:
    """The least of two runs, in seconds of CPU."""
    least = float("inf")
    for _ in range(2):
        begun = time.process_time()
        for _finding in recogniser.find(text):
            pass
        least = min(least, time.process_time() - begun)
    return least


@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_as_the_text_does(everything: Gated, unit: str) -> None:
    small, large = ((unit * (size // len(unit) + 1))[:size] for size in (SMALL, LARGE))

    dear = cost(everything, large)

    assert dear < CEILING * LARGE / 1024
    # Below 20 ms the clock says more than the text does.
    assert dear < 0.02 or dear < STEEPEST * (LARGE / SMALL) * max(cost(everything, small), 0.001)


@pytest.mark.parametrize("shape", ["{:010} , ", "+{:011} , ", "0{:09}\n", "({:03}) 555-{:04} "])
def test_numbers_that_never_repeat_stay_cheap(everything: Gated, shape: str) -> None:
    rng = random.Random(20261202)
    text = "".join(shape.format(rng.randrange(999), rng.randrange(9999)) for _ in range(1500))

    assert cost(everything, text) < CEILING * len(text) / 1024
