"""Verbs, their options, their help. Every help ends with an example."""

import argparse
from typing import TypeAlias

ACCEPTING = {
    "--accept-expired": "go on although the medium has expired; the reason is kept in the receipt",
    "--accept-clock": "go on although the clock is behind what was signed",
    "--accept-stale-advisories": "go on although the advisories are too old",
    "--accept-unwatched-natives": "audit no libraries inside wheels: these advisories are about Python alone",
}
Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 -- it has no other name


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="redoubt-installer",
        description="Put a verified release of Redoubt into its place, change it, take it away. No network is used.",
        epilog="Example:\n  redoubt-installer status --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    _install(_verb(verbs, "install", "a first release, from a medium to a gateway that serves", "/media/redoubt-0.1.0"))
    _upgrade(_verb(verbs, "upgrade", "to the release on a medium; a failure returns by itself", "/media/redoubt-0.2.0"))
    back = _verb(verbs, "rollback", "to a release that is kept here; rows are kept", "--to 0.1.0-3f9a0c52b1de")
    back.add_argument("--to", metavar="ID", help="the release, as `status` names it; usual: the one before")
    back.add_argument("--restore-backup", action="store_true", help="bring the backup from before the upgrade back too")
    _hidden(back)
    gone = _verb(verbs, "uninstall", "take the programs away; with --purge everything", "--keep-data --yes")
    kind = gone.add_mutually_exclusive_group(required=True)
    kind.add_argument("--keep-data", action="store_true", help="data, configuration, trust and receipts stay")
    kind.add_argument("--purge", action="store_true", help="the master key first, then everything")
    gone.add_argument("--yes", action="store_true", help="do not ask")
    _hidden(gone)
    _overlay(_verb(verbs, "overlay", "what the site itself signed and adds: add, list, remove", "add /media/adapter"))
    _verb(verbs, "resume", "finish or take back what was interrupted", "").add_argument(
        "--at-start", action="store_true", help="called before the service starts: nothing is started or stopped"
    )
    for name, text in (
        ("start", "the gateway, here and now; one that serves already is left alone"),
        ("stop", "the gateway, when running streams had their time"),
        ("status", "what is installed, what serves, what is kept"),
        ("verify-installed", "every file against what was signed and installed"),
    ):
        asking = _verb(verbs, name, text, "--json")
        asking.add_argument("--json", action="store_true", help="as JSON")
        if name == "verify-installed":
            asking.add_argument("--at-start", action="store_true", help="called before the service starts")
    return top


def _verb(verbs: Verbs, name: str, text: str, sample: str) -> argparse.ArgumentParser:
    made = verbs.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"Example:\n  redoubt-installer {name} {sample}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--prefix", metavar="DIR", help="the site's folder; usual: /opt/redoubt")
    return made


def _install(verb: argparse.ArgumentParser) -> None:
    _taking(verb)
    verb.add_argument("--trust", metavar="FILE", help="the first trust file; usual: the medium's, by its fingerprint")
    verb.add_argument("--fingerprint", metavar="HEX", help="of the first trust file, from paper")
    verb.add_argument("--trial", action="store_true", help="a first look, never a site install")
    verb.add_argument("--host", metavar="ADDRESS", help="where clients call; usual: 127.0.0.1")
    verb.add_argument("--api-port", type=int, metavar="N", help="usual: 4000")
    verb.add_argument("--admin-port", type=int, metavar="N", help="usual: 4001")
    verb.add_argument("--user", metavar="NAME", help="whom the gateway runs as, when root installs; usual: redoubt")


def _overlay(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("what", choices=("add", "list", "remove"))
    verb.add_argument("target", nargs="?", help="the signed folder to add, or the name to remove")
    verb.add_argument("--trust", metavar="FILE", help="the site's own trust file, the first time")
    verb.add_argument("--fingerprint", metavar="HEX", help="of that file, the first time")
    verb.add_argument("--json", action="store_true", help="as JSON")


def _upgrade(verb: argparse.ArgumentParser) -> None:
    _taking(verb)
    verb.add_argument("--downgrade-token", metavar="DIR", help="the signed permission to install a lower number")


def _taking(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("medium", help="a folder, a `.tar`, or the `.gwd` of an update")
    verb.add_argument("--answers", metavar="FILE", help="TOML: what would be said here, for unattended use")
    verb.add_argument("--require-approval", metavar="KEYFILE", help="install only what this reviewer approved")
    for name, text in ACCEPTING.items():
        verb.add_argument(name, metavar="REASON", help=text)
    verb.add_argument("--dry-run", action="store_true", help="look and verify, then say what would be done")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    _hidden(verb)


def _hidden(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--die-at", help=argparse.SUPPRESS)  # tests end the process there; only on a trial
