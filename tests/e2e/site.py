"""A whole site for end-to-end tests: a gateway process, with emulated servers behind it."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.process import REDOUBT, redoubt, running, simulated

CONFIG = """\
listen:
  api: {port: 0}
  admin: {port: 0}
default_price: 0
"""


class NewKey(msgspec.Struct, frozen=True):
    id: str
    value: str


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that serves."""

    config: Path
    url: str  # without /v1
    admin_url: str
    admin_key: str

    def run(self, *words: str) -> Any:
        """A verb's JSON."""
        return json.loads(redoubt(*words, "--json", config=self.config))

    def new_key(self, name: str, **limits: int) -> NewKey:
        words = [word for limit, value in limits.items() for word in (f"--{limit.replace('_', '-')}", str(value))]
        made = self.run("keys", "create", name, "--model", "*", *words)
        self.wait_for_change()
        return NewKey(id=made["id"], value=made["key"])

    def deploy(self, name: str, provider: str, url: str, upstream: str, *words: str) -> None:
        target = ("--provider", provider, "--url", url, "--upstream-model", upstream)
        self.run("deployments", "set", name, *target, *words)

    def wait_for_change(self) -> None:
        """Until the gateway has taken the store's newest change number."""
        before = self.metric("redoubt_store_change_number")
        eventually(lambda: self.metric("redoubt_store_change_number") > before or self._settled())

    def _settled(self) -> bool:
        time.sleep(0.6)  # two polls of the change number
        return True

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = get(f"{self.admin_url}/metrics").decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def admin(self, path: str) -> Any:
        return json.loads(get(f"{self.admin_url}{path}", self.admin_key))

    def rows(self, key: str) -> list[dict[str, Any]]:
        """The ledger rows of a key, newest first."""
        found: list[dict[str, Any]] = self.admin(f"/admin/spend/rows?limit=1000&key={key}")
        return found


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of server behind a gateway, as a suite of tests sees it."""

    site: Site
    kind: str
    key: str
    model: str
    slow: str
    vision: str
    embedder: str | None
    upstreams: Mapping[str, str]  # model -> url of the server behind it

    @property
    def url(self) -> str:
        return self.site.url

    def new_key(self, name: str, **limits: int) -> NewKey:
        return self.site.new_key(f"{self.kind}-{name}-{time.monotonic_ns()}", **limits)

    def rows(self, key: str) -> list[dict[str, Any]]:
        return self.site.rows(key)

    def stats(self, model: str) -> dict[str, int]:
        found: dict[str, int] = json.loads(get(f"{self.upstreams[model]}/__simulated/stats"))
        return found

    def fault(self, name: str, times: int = 1) -> None:
        """Switch a fault of the server behind `model` on."""
        body = json.dumps({"fault": name, "times": times}).encode()
        urllib.request.urlopen(f"{self.upstreams[self.model]}/__simulated/fault", data=body, timeout=10).close()


def get(url: str, key: str | None = None) -> bytes:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        body: bytes = answer.read()
        return body


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until something holds; fails when it never does. The ceiling is generous: it is not a measurement."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


@contextmanager
def serving(folder: Path, config: str = CONFIG) -> Iterator[Site]:
    """A new site in `folder`, and its gateway."""
    file = folder / "redoubt.yaml"
    file.write_text(config)
    made = json.loads(redoubt("init", "--json", config=file))
    with running([str(REDOUBT), "--config", str(file), "serve"], folder / "gateway.log") as line:
        _, _, api, _, admin = line.split()
        yield Site(
            config=file,
            url=api.removesuffix("/v1"),
            admin_url=admin,
            admin_key=next(key["key"] for key in made["keys"] if key["role"] == "admin"),
        )


EMBEDDERS = {"vllm": ("--embed",), "ollama": ()}  # TGI serves no embeddings


@contextmanager
def stand_in(site: Site, kind: str, folder: Path) -> Iterator[Served]:
    """Emulated servers of one kind, registered as models of the site."""
    with ExitStack() as stack:

        def start(name: str, *flags: str, options: tuple[str, ...] = ()) -> tuple[str, str]:
            url = stack.enter_context(simulated(kind, folder / f"{kind}-{name}.log", "--model", "tiny", *flags))
            site.deploy(f"{kind}-{name}/a", kind, url, "tiny", *options)
            return f"{kind}-{name}", url

        loose = ("--option", "loose_tool_choice=true") if kind == "ollama" else ()
        started = {
            "plain": start("plain", options=loose),
            "slow": start("slow", "--interval-ms", "50", "--tokens", "200"),
            "vision": start("vision", "--vision"),
        }
        if kind in EMBEDDERS:
            started["embedder"] = start("embedder", *EMBEDDERS[kind])
        key = site.new_key(f"{kind}-suite")
        yield Served(
            site=site,
            kind=kind,
            key=key.value,
            model=started["plain"][0],
            slow=started["slow"][0],
            vision=started["vision"][0],
            embedder=started["embedder"][0] if "embedder" in started else None,
            upstreams=dict(started.values()),
        )
