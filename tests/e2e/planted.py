"""A site full of things nobody may see: planted upstream names, a credential, a neighbour's model."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from tests.e2e.process import simulated
from tests.e2e.site import Site, serving

UPSTREAM = "canary-upstream-4fd1"  # the model's name on its server
CREDENTIAL = "canary-credential-9b07"
NEIGHBOUR = "canary-neighbour-c3e8"  # a model that only the neighbour may use
MODELS = {"chat": "vllm", "embed": "vllm", "native": "ollama", "text": "tgi"}


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that serves, and what it must keep to itself."""

    site: Site
    folder: Path
    keys: Mapping[str, str]  # by role: `admin`, `member`, and `neighbour`, who is a member too
    upstreams: tuple[str, ...]  # host:port of every server behind it

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no answer may hold, whoever asks."""
        return (CREDENTIAL, (self.folder / "data" / "master.key").read_bytes().hex())

    def hidden(self, listener: str, role: str) -> tuple[str, ...]:
        """What no answer to this role may hold. The admin key may use every model, and so it sees their names."""
        if role == "admin":
            return self.secrets if listener == "admin" else (*self.secrets, *self._upstream)
        return (*self.secrets, *self._upstream, NEIGHBOUR)

    @property
    def _upstream(self) -> tuple[str, ...]:
        return (UPSTREAM, *self.upstreams, str(self.folder))

    def headers(self, role: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.keys[role]}"} if role in self.keys else {}

    def faults(self) -> list[str]:
        """What the gateway logged of faults of its own since it started: everything worse than a warning."""
        lines = (self.folder / "gateway.log").read_text().splitlines()
        return [line for line in lines if json.loads(line)["level"] not in {"info", "warning"} or "Traceback" in line]


@contextmanager
def planted(folder: Path) -> Iterator[Planted]:
    """A new site in `folder`."""
    credential = folder / "credential"
    credential.write_text(CREDENTIAL)
    credential.chmod(0o400)
    with ExitStack() as stack:
        site = stack.enter_context(serving(folder))
        upstreams = []
        for name, kind in MODELS.items():
            flags = ("--embed",) if name == "embed" else ()
            key = ("--api-key", CREDENTIAL) if kind == "vllm" else ()
            url = stack.enter_context(simulated(kind, folder / f"{name}.log", "--model", UPSTREAM, *flags, *key))
            options = ("--credential", f"file:{credential}") if key else ()
            site.deploy(f"{name}/a", kind, url, UPSTREAM, *options)
            upstreams.append(url.removeprefix("http://"))
        site.deploy(f"{NEIGHBOUR}/a", "ollama", url, UPSTREAM)
        own = [word for name in MODELS for word in ("--model", name)]
        member = site.run("keys", "create", "member", *own)
        neighbour = site.run("keys", "create", "neighbour", "--model", NEIGHBOUR)
        site.wait_for_change()
        keys = {"admin": site.admin_key, "member": member["key"], "neighbour": neighbour["key"]}
        yield Planted(site=site, folder=folder, keys=keys, upstreams=tuple(upstreams))


def leaks(text: str, kept: tuple[str, ...]) -> list[str]:
    """Which of `kept` stand in a text, as they are or escaped in JSON."""
    return [secret for secret in kept if secret in text or json.dumps(secret)[1:-1] in text]
