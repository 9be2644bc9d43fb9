"""The release's folder: its environments, its inventory, its place."""

import os
from pathlib import Path

from installer.disk import remove_tree, sync_folder, write_whole
from installer.environment import FILE, FOLDER, Builder, chosen, environment_for
from installer.inventory import take, text_of
from installer.layout import BUNDLE, KINDS
from installer.models import PLACE, place
from installer.work import Work
from offline.rules.manifest import LARGEST, read_manifest
from offline.rules.release import MANIFEST
from offline.rules.tree import read_small


class Environments:
    """`serve` and `tools`, from the verified wheels, and the models beside them."""

    name = "environments"

    def do(self, work: Work) -> None:
        release, means = work.staged, work.means
        manifest = read_manifest(read_small(release.bundle / MANIFEST, LARGEST))
        builder = Builder(release, means.python, means.compile_all, means.progress.thing, means.tag)
        for kind in reversed(KINDS):  # `tools` holds nearly everything that `serve` does
            builder.build(kind, chosen(release.bundle, manifest, environment_for(manifest, kind, means.tag)))
        place(release.bundle, manifest, release.folder)

    def undo(self, work: Work) -> None:
        for made in (*KINDS, PLACE):
            remove_tree(work.staged.folder / made)


class Inventory:
    """Hash everything that was made, and open it for reading."""

    name = "inventory"

    def do(self, work: Work) -> None:
        release = work.staged
        for top, _, files in os.walk(release.folder):
            Path(top).chmod(FOLDER)
            for name in files if BUNDLE in Path(top).relative_to(release.folder).parts else ():
                Path(top, name).chmod(FILE)
        content = text_of(take(release, work.means.progress.thing))
        write_whole(release.inventory, content)

    def undo(self, work: Work) -> None:
        work.staged.inventory.unlink(missing_ok=True)


class Place:
    """Move the whole release to where it will stay. It serves nobody yet."""

    name = "place"

    def do(self, work: Work) -> None:
        work.layout.releases.mkdir(mode=FOLDER, exist_ok=True)
        work.means.sync()  # thousands of files, once: a power cut finds all of them or no release
        work.staged.folder.rename(work.new.folder)
        sync_folder(work.layout.releases)

    def undo(self, work: Work) -> None:
        remove_tree(work.new.folder)
        if work.layout.releases.is_dir() and not any(work.layout.releases.iterdir()):
            work.layout.releases.rmdir()
