"""Runs inside the build, with the image's own Python and no network: makes the `serve` environment from wheels.

    python3 -I -S fill.py BUNDLE TARGET

Standard library only, since nothing else is there yet. pip runs out of its wheel and stays outside of what it fills.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

OURS = "redoubt-gateway"
_PIN = re.compile(r"^[a-z0-9][a-z0-9._-]*==\S+ --hash=sha256:[0-9a-f]{64}$")


class Unfit(Exception):
    """The bundle lacks something; says what."""


def main(bundle: Path, target: Path) -> None:
    """Fill `TARGET/serve`. Raises Unfit, and CalledProcessError when pip refuses a wheel."""
    lock = bundle / "locks" / f"serve-cp{sys.version_info[0]}{sys.version_info[1]}.txt"
    serve = target / "serve"
    venv.EnvBuilder(symlinks=True, with_pip=False).create(serve)
    for script in serve.glob("bin/[Aa]ctivate*"):
        script.unlink()  # for shells, and there is none
    with tempfile.TemporaryDirectory() as work:
        wanted = Path(work) / "wanted.txt"
        wanted.write_text(requirements(lock, bundle / "wheels"), encoding="ascii")
        _install(serve, bundle / "wheels", wanted)
    if stray := sorted(str(path) for path in serve.rglob("*.pth")):
        raise Unfit(f"a file that runs at every start came with a wheel: {', '.join(stray)}")
    compiled = ("-S", "-m", "compileall", "-q", "-j1", "--invalidation-mode", "unchecked-hash")
    _run([str(serve / "bin" / "python"), *compiled, str(serve / "lib")], PYTHONHASHSEED="0")
    shutil.copytree(bundle / "locks", target / "locks")


def requirements(lock: Path, wheels: Path) -> str:
    """The lock, and our own wheel by the hash it has here where the lock does not name it. Raises Unfit."""
    if not lock.is_file():
        raise Unfit(f"the bundle has no `locks/{lock.name}`; it was built for another Python")
    pins = [line for line in lock.read_text(encoding="ascii").splitlines() if line and not line.startswith("#")]
    if wrong := [line for line in pins if not _PIN.match(line)]:
        raise Unfit(f"`locks/{lock.name}`: expected `name==version --hash=sha256:<64 hex>`, got `{wrong[0][:80]}`")
    if not any(line.startswith(f"{OURS}==") for line in pins):
        ours = only(wheels, OURS.replace("-", "_"))
        version = ours.name.split("-")[1]
        pins.append(f"{OURS}=={version} --hash=sha256:{hashlib.sha256(ours.read_bytes()).hexdigest()}")
    return "\n".join([*pins, ""])


def only(wheels: Path, name: str) -> Path:
    """The one wheel of a project. Raises Unfit when there is none, or more than one."""
    found = sorted(wheels.glob(f"{name}-*.whl"))
    if len(found) != 1:
        raise Unfit(f"the bundle must have one wheel of `{name}`, it has {len(found)}")
    return found[0]


def _install(serve: Path, wheels: Path, wanted: Path) -> None:
    pip = only(wheels, "pip") / "pip"
    _run([
        str(serve / "bin" / "python"), "-I", str(pip), "install", "--isolated", "--no-index",
        "--find-links", str(wheels), "--require-hashes", "--no-deps", "--only-binary", ":all:",
        "--no-compile", "--no-cache-dir", "--disable-pip-version-check", "--root-user-action", "ignore", "--quiet",
        "--requirement", str(wanted),
    ])  # fmt: skip


def _run(command: list[str], **more: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PIP_CONFIG_FILE": "/dev/null", "LC_ALL": "C.UTF-8"}
    subprocess.run(command, check=True, env={**environment, **more})  # noqa: S603 -- no shell; an empty environment


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except Unfit as problem:
        sys.exit(f"fill: {problem}")
