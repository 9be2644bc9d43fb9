"""The source of a release: one tree of git, exported byte for byte."""

import os
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from offline.failure import Failure

# What a user's git may be set up for must not change a byte of an export.
GIT = (
    *("git", "-c", "core.autocrlf=false", "-c", "core.attributesFile=/dev/null", "-c", "tar.umask=0022"),
    *("-c", "core.fsmonitor=false", "-c", "core.quotePath=true"),
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A tree that was exported."""

    folder: Path
    commit: str  # 40 hex, with `-dirty` when the tree is not the one that was committed
    tree: str  # 40 hex, of what was exported
    created: datetime  # of the commit; every date of a release comes from it
    version: str
    maker: tuple[str, str]  # name and mail of who committed


def export(repository: Path, into: Path, *, dirty: bool) -> Source:
    """Write the committed tree below `into`. Raises Failure for a tree with changes, unless `dirty` takes them too."""
    top = Path(_git(repository, "rev-parse", "--show-toplevel"))
    changed = _git(top, "status", "--porcelain", "--untracked-files=normal").splitlines()
    if changed and not dirty:
        raise Failure(
            f"{len(changed)} files are not as committed, such as `{changed[0][3:]}`; commit them, or build with "
            "`--dirty`, which says so in the release"
        )
    commit = _git(top, "rev-parse", "HEAD^{commit}")
    created = datetime.fromtimestamp(int(_git(top, "show", "--no-patch", "--format=%ct", commit)), UTC)
    tree = _export_changed(top, into) if changed else _export(top, "HEAD^{tree}", into, {})
    return Source(
        folder=into,
        commit=f"{commit}-dirty" if changed else commit,
        tree=tree,
        created=created,
        version=_version(into),
        maker=(
            _git(top, "show", "--no-patch", "--format=%cn", commit),
            _git(top, "show", "--no-patch", "--format=%ce", commit),
        ),
    )


def _export_changed(top: Path, into: Path) -> str:
    """The working tree as it lies there: written to an index and an object store of its own, thrown away after."""
    common = Path(_git(top, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    with tempfile.TemporaryDirectory(prefix="redoubt-tree-") as scratch:
        aside = {
            "GIT_INDEX_FILE": f"{scratch}/index",
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(common / "objects"),
        }
        _git(top, "add", "--all", aside=aside)
        return _export(top, _git(top, "write-tree", aside=aside), into, aside)


def _export(top: Path, treeish: str, into: Path, aside: Mapping[str, str]) -> str:
    tree = _git(top, "rev-parse", treeish, aside=aside)
    into = into.absolute()  # git stands in the checkout: there, a relative name would mean a folder of the checkout
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="redoubt-export-") as scratch:
        index = {**aside, "GIT_INDEX_FILE": f"{scratch}/index"}
        _git(top, "read-tree", tree, aside=index)
        _git(top, "checkout-index", "--all", f"--prefix={into}/", aside=index)
    return tree


def _version(tree: Path) -> str:
    try:
        return str(tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise Failure("the tree's `pyproject.toml` names no version; this is not a source of redoubt") from error


def _git(folder: Path, *words: str, aside: Mapping[str, str] | None = None) -> str:
    try:
        ran = subprocess.run(  # noqa: S603 -- git, our own words
            [*GIT, *words],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **(aside or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise Failure(f"git cannot be run in `{folder}`: {error.strerror}") from error
    if ran.returncode:
        raise Failure(f"git {words[0]} failed in `{folder}`: {ran.stderr.strip()[-300:]}")
    return ran.stdout.rstrip("\n")
