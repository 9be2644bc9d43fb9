"""Records the shapes of a real server and compares them with what is committed.

    python -m tests.real.record CACHE SERVER [--write]

CACHE holds the servers' environments and the models (see `tests/real_servers.sh`). Without `--write` nothing is
changed: differences between this run and the committed recording are printed, and the exit status tells. With it the
recording is written, with what made it: versions, command lines, day.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.real import compare, probe, servers
from tests.real.setups import SERVERS, Server
from tests.real.shape import Shape

FOLDER = Path(__file__).parent / "shapes"


def committed(server: Server) -> Mapping[str, Shape]:
    """The recording in the repository. Raises LookupError unless there is exactly one."""
    paths = sorted(FOLDER.glob(f"{server.name}-[0-9]*.json"))
    if len(paths) != 1:
        raise LookupError(f"expected one recording of `{server.name}` in {FOLDER.name}, found {len(paths)}")
    recording: Mapping[str, Shape] = json.loads(paths[0].read_text(encoding="utf-8"))
    return recording


async def recorded(server: Server, cache: Path) -> dict[str, Shape]:
    """Start the server as each set-up says, probe it, stop it."""
    version, python = servers.version(server, cache)
    shapes: dict[str, Shape] = {}
    commands: dict[str, Shape] = {}
    for setup in server.setups:
        async with servers.running(server, setup, cache) as base_url:
            answers = await probe.answers(base_url, setup)
            shapes[setup.name] = {**answers, **await probe.measured(base_url, server, setup)}
        commands[setup.name] = " ".join(servers.command(server, setup))
        print(f"  {server.name} {version}, {setup.name}: {len(setup.asked) + len(setup.measures)} cases", flush=True)
    provenance = {
        "server": server.name,
        "package": server.package,
        "version": version,
        "python": python,
        "day": datetime.now(tz=UTC).date().isoformat(),
        "commands": commands,
        "environment": dict(server.environment),
        "model": "made by tests/real/model_files.py",
    }
    return {"provenance": provenance, "shapes": shapes}


def write(recording: Mapping[str, Shape], server: Server, version: str) -> Path:
    for old in FOLDER.glob(f"{server.name}-[0-9]*.json"):
        old.unlink()
    path = FOLDER / f"{server.name}-{version}.json"
    path.write_text(json.dumps(recording, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def main(arguments: list[str]) -> int:
    cache, name = Path(arguments[0]).resolve(), arguments[1]
    server = next(each for each in SERVERS if each.name == name)
    recording = asyncio.run(recorded(server, cache))
    if "--write" in arguments:
        version, _ = servers.version(server, cache)
        print(f"  written: {write(recording, server, version).name}")
        return 0
    found = list(compare.differences(committed(server)["shapes"], recording["shapes"]))
    if found:
        # A server that is late merges events; what only one of two runs shows is luck.
        again = asyncio.run(recorded(server, cache))
        seen = set(compare.differences(committed(server)["shapes"], again["shapes"]))
        found = [difference for difference in found if difference in seen]
    for difference in compare.grouped(found):
        print(difference)
    print(f"  {server.name}: {len(found)} differences from the committed recording")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
