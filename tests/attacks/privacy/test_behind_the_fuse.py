"""The pool on the gateway's own event loop, behind its egress fuse: workers are started, nothing else is."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import asyncio
from appliance.domain.privacy import Analysis, Entity
from appliance.egress.fuse import install
from appliance.egress.guard import AllowList
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment
from tests.fakes.privacy_worker import command

told = []
line = command("scripted")
fuse = install(AllowList([]), told.append, programs=frozenset({line}))

async def main():
    settings = PoolSettings(workers=2, wait_s=60, deadline_s=60, most_tasks=2)
    async with PooledAnalyser(settings, line, environment()) as analyser:
        for number in range(6):
            analysis = Analysis(entities=(Entity("PERSON"),))
            (found,) = await analyser.find(analysis, [f"{number} Marlene " + "x" * 200_000])
            assert [(one.start, one.end) for one in found] == [(2, 9)], found
        try:
            await asyncio.create_subprocess_exec("true")
        except OSError:
            print("refused")

with asyncio.Runner(loop_factory=fuse.loop_factory) as runner:
    runner.run(main())
print([(one.layer, one.what) for one in told])
"""


def test_workers_are_started_and_nothing_else_is() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.stderr == ""
    assert ran.stdout == "refused\n[('loop', 'subprocess')]\n"
