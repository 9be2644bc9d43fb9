"""What quickstart stands in for a real server with, where none answers."""

from collections.abc import Sequence

PROVIDER = "vllm"
MODEL = "demo"


def command(python: str) -> Sequence[str]:
    """Starts the stand-in on a free loopback port; its first line of output is its url."""
    pace = ("--tokens", "24", "--interval-ms", "25")
    return (python, "-m", "providers.simulated", PROVIDER, "--port", "0", "--model", MODEL, *pace)
