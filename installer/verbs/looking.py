"""What an install and an upgrade do first: look at the host; with `--dry-run` verify too, and go away again."""

import argparse
import json
from pathlib import Path

from installer import preflight
from installer.disk import remove_tree
from installer.journal import Facts
from installer.steps.stage import Copy, Verify
from installer.work import Work


def host(asked: argparse.Namespace, work: Work, medium: Path, ports: Facts) -> None:
    """Say what the host has. Raises Failed when something is missing that is needed."""
    answers = work.means.look(work.layout, medium, ports)
    for one in answers:
        if asked.dry_run or one.level != "ok":
            work.means.progress.say(f"{one.level:4}  {one.about:10}  {one.text}")
    preflight.demand(answers)


def rehearse(work: Work, facts: Facts) -> None:
    """Copy and verify in a folder that goes away, and say what would be installed. Writes nothing else."""
    work.operation.facts.update(facts)
    rehearsal = Rehearsal(work.layout, work.means, work.journal, work.operation)
    work.means.progress.expect(2)
    try:
        for step in (Copy(), Verify()):
            work.means.progress.begin(step.name)
            step.do(rehearsal)
            work.means.progress.end()
    finally:
        remove_tree(work.folder)
    told = {name: work.facts[name] for name in ("release", "version", "seq", "signed_by", "sums_sha256")}
    print(json.dumps(told, indent=2, sort_keys=True))


class Rehearsal(Work):
    """A work of which nothing is noted."""

    def note(self, **facts: object) -> None:
        """In memory only."""
        self.operation.facts.update(facts)
