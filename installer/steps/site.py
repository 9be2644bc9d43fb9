"""What is the site's own: configuration, data, the words on the command line."""

import json
import os
import pwd
from pathlib import Path

from installer import accounts
from installer.disk import PRIVATE, remove_tree, write_whole
from installer.failure import Failed
from installer.settings import settings_of
from installer.steps.data import WITHIN, demand
from installer.work import Work
from installer.wrappers import wrappers

INIT_WITHIN = 120.0


class Establish:
    """Configuration, data folder, master key, a first admin key: once in the life of a site."""

    name = "site"

    def do(self, work: Work) -> None:
        layout = work.layout
        had = {"had_config": layout.settings.exists(), "had_data": (layout.data / "store.db").exists()}
        work.note(**had, had_config_folder=layout.config.exists(), had_data_folder=layout.data.exists())
        self._folders(work)
        if not had["had_config"]:
            write_whole(layout.settings, settings_of(work.facts, layout), 0o640)
            self._give(work, layout.settings)
        if had["had_data"]:
            demand(
                work.means.gateway(work.new, ("db", "migrate", "--json"), within=WITHIN), "the data cannot be migrated"
            )
            return
        ran = work.means.gateway(work.new, ("init", "--json"), within=INIT_WITHIN)
        if ran.code:
            raise Failed(f"the site cannot be made: {ran.last_words}")
        for key in json.loads(ran.out)["keys"]:
            if key["role"] == "admin":
                write_whole(layout.first_key, f"{key['key']}\n".encode(), PRIVATE)

    def undo(self, work: Work) -> None:
        """Only what this operation made: a folder that was there keeps everything."""
        facts, layout = work.facts, work.layout
        if "had_config" not in facts:
            return
        if not facts["had_data_folder"]:
            remove_tree(layout.data)
        if not facts["had_config_folder"]:
            remove_tree(layout.config)
        elif not facts["had_config"]:
            layout.settings.unlink(missing_ok=True)
            layout.first_key.unlink(missing_ok=True)

    def _folders(self, work: Work) -> None:
        for folder, mode in ((work.layout.config, 0o750), (work.layout.data, 0o700)):
            if not folder.exists():
                folder.mkdir(mode=mode, parents=True)
                self._give(work, folder)

    def _give(self, work: Work, path: Path) -> None:
        user = work.facts.get("user", "")
        if user and os.geteuid() == 0:
            who = pwd.getpwnam(user)
            inside = path == work.layout.data
            os.chown(path, who.pw_uid if inside else 0, who.pw_gid)


class Wrappers:
    """`bin/`: programs that stay the same whatever `current` points to."""

    name = "programs"

    def do(self, work: Work) -> None:
        user = work.facts.get("user", "")
        work.note(had_bin=work.layout.bin.exists(), made_user=bool(user) and not accounts.exists(user))
        work.layout.bin.mkdir(mode=0o755, exist_ok=True)
        for name, text in wrappers(work.layout, work.means.python).items():
            write_whole(work.layout.bin / name, text.encode(), 0o755)
        work.means.service.prepare()

    def undo(self, work: Work) -> None:
        if work.facts.get("had_bin") is False:
            work.means.service.remove()
            if work.facts.get("made_user"):
                accounts.remove(work.facts["user"])
            for folder in (work.layout.bin, work.layout.run, work.layout.log):
                remove_tree(folder)
