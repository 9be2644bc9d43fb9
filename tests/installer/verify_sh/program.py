"""verify.sh as an installer would start it, and a bundle as it would come."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "installer" / "verify.sh"
NOW = "2026-11-22T00:00:00Z"


def run(
    folder: Path,
    *words: str,
    shell: Sequence[str] = ("sh",),
    script: Path = SCRIPT,
    paper: str | None = None,
    now: str = NOW,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """`paper`: the fingerprint; without it, that of the folder's first trust file as it is now."""
    if paper is None:
        first = folder / "trust" / "1.trust"
        paper = hashlib.sha256(first.read_bytes()).hexdigest() if first.is_file() else "0" * 64
    return subprocess.run(
        [*shell, str(script), *words, "--fingerprint", paper, "--now", now, str(folder)],
        env=environment if environment is not None else {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=60,
    )


def fault(ran: subprocess.CompletedProcess[str]) -> str:
    """The word in brackets; `verified` when there is none."""
    if ran.returncode == 0:
        return "verified"
    return ran.stderr.strip().rpartition("[")[2].rstrip("]")
