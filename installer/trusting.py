"""Whom this site believes: first what the paper says, from then on what it has kept, and where the chain leads."""

from pathlib import Path

from installer.disk import write_whole
from installer.failure import Failed
from offline.rules.openssl import Check
from offline.rules.refusal import Fault, Refused
from offline.rules.tree import read_small
from offline.rules.trust import LARGEST, Trust, fingerprint, read_trust
from offline.rules.verify import first_trust, follow


def kept(kept_in: Path) -> Trust | None:
    """The newest trust file this site has verified. None before the first install. Raises Refused."""
    numbers = [int(one.stem) for one in kept_in.glob("*.trust") if one.stem.isdigit()]
    if not numbers:
        return None
    return read_trust(read_small(kept_in / f"{max(numbers)}.trust", LARGEST))


def first(folder: Path, given: str, paper: str) -> tuple[Trust, bytes]:
    """The trust file that the paper's fingerprint names: `given`, or one of the medium's `trust/`. Raises Refused."""
    if not paper:
        raise Refused(
            Fault.TRUST,
            "this site believes nobody yet: give `--fingerprint` with the 64 hex digits that reached you on paper",
        )
    if given:
        content = read_small(Path(given), LARGEST)
        return first_trust(content, paper), content
    files = sorted(folder.glob("*.trust"))
    if not files:
        raise Refused(Fault.TRUST, "the medium holds no trust file; give `--trust FILE`")
    wrong: Refused | None = None
    for file in files:
        content = read_small(file, LARGEST)
        try:
            return first_trust(content, paper), content
        except Refused as refused:
            wrong = refused
    raise wrong or Refused(Fault.TRUST, "no trust file has the fingerprint given")


def believed(kept_in: Path, folder: Path, given: str, paper: str, check: Check) -> tuple[Trust, list[bytes]]:
    """The newest trust, and the files to keep when all goes well. Raises Refused."""
    start = kept(kept_in)
    new: list[bytes] = []
    if start is None:
        start, content = first(folder, given, paper)
        new.append(content)
    elif paper:
        first_kept = min(kept_in.glob("*.trust"), key=lambda one: int(one.stem))
        if fingerprint(read_small(first_kept, LARGEST)).replace(" ", "") != _plain(paper):
            raise Refused(Fault.TRUST, "the fingerprint given is not the one that this site began with")
    links = follow(start, folder, check)
    newest = read_trust(links[-1]) if links else start
    return newest, [*new, *links]


def keep(kept_in: Path, contents: list[bytes]) -> None:
    """Raises Failed when a number would change its meaning."""
    for content in contents:
        file = kept_in / f"{read_trust(content).number}.trust"
        if file.exists() and file.read_bytes() != content:
            raise Failed(f"`{file}` is another trust file with that number; nothing was changed")
        write_whole(file, content)


def _plain(paper: str) -> str:
    return "".join(one for one in paper.lower() if one.isalnum())
