"""The three programs in `PREFIX/bin`. They name `current`, so that a switch of release changes none of them."""

from pathlib import Path

from installer.layout import Layout

REDOUBT = """\
#!/bin/sh
# redoubt, as the current release has it, with this site's configuration.
: "${{REDOUBT_CONFIG:={settings}}}"
export REDOUBT_CONFIG
exec {prefix}/current/serve/bin/python -I -B -m appliance.cli "$@"
"""
SERVE = """\
#!/bin/sh
# The gateway of this site, in the foreground: what a supervisor of yours would run. As the unit does, it starts
# nothing before every file is the one that was installed.
alone="env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/nonexistent"
$alone {python} -I -S -B {prefix}/current/bundle/installer.pyz verify-installed --at-start --prefix {prefix} >&2 || exit
exec $alone {prefix}/current/serve/bin/python -I -B -m appliance.cli --config {settings} serve
"""
INSTALLER = """\
#!/bin/sh
# The installer of the current release: start, stop, status, upgrade, rollback, overlay, verify-installed, uninstall.
for program in {prefix}/current/bundle/installer.pyz {prefix}/releases/*/bundle/installer.pyz; do
  [ -f "$program" ] && break
done
verb=${{1---help}}
[ $# -gt 0 ] && shift
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
  {python} -I -S -B "$program" "$verb" --prefix {prefix} "$@"
"""


def wrappers(layout: Layout, python: Path) -> dict[str, str]:
    """Name -> text. A prefix holds letters, digits and `/._+-` only: nothing to quote."""
    words = {"prefix": layout.prefix, "settings": layout.settings, "python": python}
    return {
        "redoubt": REDOUBT.format(**words),
        "redoubt-serve": SERVE.format(**words),
        "redoubt-installer": INSTALLER.format(**words),
    }
