"""`uninstall`: programs go; data goes only when that was said."""

import argparse

from installer.failure import Failed
from installer.transaction import begin, run
from installer.verbs.stories import STORIES
from installer.work import Work


def uninstall(asked: argparse.Namespace, work: Work) -> None:
    """Raises Failed or OSError; what was begun is finished by the next call."""
    if not asked.yes:
        what = "everything, the data and its key too," if asked.purge else "the programs"
        raise Failed(f"this removes {what} in `{work.layout.prefix}`; say `--yes` when you mean it")
    begin(work, {})
    run(work, STORIES[work.operation.verb])
