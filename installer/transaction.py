"""All of it or nothing of it: steps are done, or taken back, now or after a power cut."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.failure import Failed
from installer.journal import Operation
from installer.work import Step, Work
from offline.rules.refusal import Refused

EXPECTED = (Refused, Failed, OSError)


@dataclass(frozen=True)
class Story:
    """The steps of one verb: those that can be taken back, then those that only go forward."""

    before: Sequence[Step]
    after: Sequence[Step]
    last: Step | None = None  # what comes in the place of the journal's last line


def begin(work: Work, facts: Mapping[str, Any]) -> None:
    """Write that it begins, and what is already known."""
    work.journal.append(work.operation.id, "begin", verb=work.operation.verb)
    work.note(**facts)


def new_operation(verb: str, moment: str) -> Operation:
    """`moment`: sortable, plain digits."""
    return Operation(f"{moment}-{secrets.token_hex(3)}", verb)


def run(work: Work, story: Story) -> None:
    """Raises what a step raised, when everything was taken back."""
    work.means.progress.expect(len(story.before) + len(story.after))
    try:
        for step in story.before:
            work.journal.append(work.operation.id, "do", step=step.name)
            work.operation.begun.append(step.name)
            work.means.progress.begin(step.name)
            step.do(work)
            work.journal.append(work.operation.id, "done", step=step.name)
            work.means.progress.end()
        work.journal.append(work.operation.id, "commit")
        work.operation.committed = True
    except BaseException as error:
        if not work.operation.committed:
            said = error.message if isinstance(error, Refused | Failed) else f"{type(error).__name__}: {error}"
            work.means.progress.say(f"failed: {said[:300]}")
            take_back(work, story, said)
        raise
    finish(work, story)


def finish(work: Work, story: Story) -> None:
    """What only goes forward; each step may have been done before."""
    for step in story.after:
        work.means.progress.begin(step.name)
        step.do(work)
        work.journal.append(work.operation.id, "done", step=step.name)
        work.means.progress.end()
    if story.last is not None:
        story.last.do(work)
        work.operation.outcome = "done"
    else:
        _end(work, "done", "")


def take_back(work: Work, story: Story, why: str) -> None:
    """Every step that began, last first. One that cannot be taken back stops this: `resume` goes on from there."""
    steps = {step.name: step for step in story.before}
    for name in reversed(work.operation.begun):
        if name in work.operation.taken_back:
            continue
        work.journal.append(work.operation.id, "undo", step=name)
        steps[name].undo(work)
        work.journal.append(work.operation.id, "undone", step=name)
        work.operation.taken_back.append(name)
    _end(work, "returned", why)


def _end(work: Work, outcome: str, why: str) -> None:
    work.journal.append(work.operation.id, "end", outcome=outcome, why=why)
    work.operation.outcome = outcome


def recover(work: Work, story: Story) -> None:
    """Bring an interrupted operation to its end: forward when it was committed, else back."""
    if work.operation.committed:
        work.means.progress.say(f"finishing the {work.operation.verb} that was interrupted after its commit")
        work.means.progress.expect(len(story.after))
        finish(work, story)
    else:
        work.means.progress.say(f"taking back the {work.operation.verb} that was interrupted before its commit")
        take_back(work, story, "interrupted")
