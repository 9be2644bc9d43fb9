"""What a medium is: a folder, a packed one, or an update that carries only what is new."""

from pathlib import Path

from installer.failure import Failed


def medium_of(given: str) -> Path:
    """Raises Failed unless it is a folder, a `.tar` or a `.gwd`."""
    medium = Path(given).absolute()
    if medium.is_symlink() or not (medium.is_dir() or (medium.is_file() and medium.suffix in {".tar", ".gwd"})):
        raise Failed(f"`{given}` is no folder, no `.tar` and no `.gwd`; give what was carried in")
    return medium
