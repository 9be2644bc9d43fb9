"""`python -I -S installer.pyz VERB`."""

import sys

from installer.cli import run


def main() -> int:
    """The exit code: 0 done, 1 refused or failed (nothing changed, or all of it was taken back), 2 a wrong call."""
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
