"""What tests ask on the machine itself, with its bare Python: `python3 -I inside.py processes redoubt.service`.

Prints JSON. Standard library only: it travels to the machine as this one file.
"""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any


def chat(url: str, key: str, model: str, text: str) -> list[Any]:
    """The status, and what the model says; a refusal's own words where there was one."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()
    head = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", data=body, headers=head)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return [answer.status, json.loads(answer.read())["choices"][0]["message"]["content"]]
    except urllib.error.HTTPError as refused:
        return [refused.code, refused.read().decode(errors="replace")]


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())


def processes(unit: str) -> list[dict[str, Any]]:
    """Every process of a unit's cgroup, as the kernel tells it."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if f"/{unit}\n" in (folder / "cgroup").read_text():
                    found.append(_process(folder))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def _process(folder: Path) -> dict[str, Any]:
    status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line)
    limits = {line[:25].strip(): line[26:].split()[0] for line in (folder / "limits").read_text().splitlines()[1:]}
    return {
        "pid": int(folder.name),
        "parent": int(status["PPid"]),
        "user": int(status["Uid"].split()[0]),
        "words": (folder / "cmdline").read_bytes().decode().split("\0")[:-1],
        "oom": int((folder / "oom_score_adj").read_text()),
        "seccomp": status["Seccomp"],
        "no_new_privileges": status["NoNewPrivs"],
        "capabilities": int(status["CapBnd"], 16),
        "core": limits["Max core file size"],
        "written": limits["Max file size"],
        "memory": limits["Max data size"],
        "files": limits["Max open files"],
    }


if __name__ == "__main__":
    verbs: dict[str, Callable[..., Any]] = {"chat": chat, "get": get, "processes": processes}
    print(json.dumps(verbs[sys.argv[1]](*sys.argv[2:])))
