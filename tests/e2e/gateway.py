"""A gateway process that a test starts, stops, kills and starts again over one data folder."""

import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e.process import REDOUBT, ROOT
from tests.e2e.site import Site

CONFIG: Mapping[str, Any] = {"listen": {"api": {"port": 0}, "admin": {"port": 0}}, "default_price": 0}
MEMBER: Mapping[str, Any] = {"name": "member", "models": ["*"]}


def model(name: str, *urls: str, provider: str = "vllm") -> dict[str, Any]:
    """A model of the configuration file, with a deployment (`a`, `b`, ...) at each url."""
    behind = [
        {"label": label, "provider": provider, "url": url, "model": "tiny"}
        for label, url in zip("abcdef", urls, strict=False)
    ]
    return {"name": name, "deployments": behind}


class Gateway:
    """A new site of its own. Leaving the block kills what still runs."""

    def __init__(self, folder: Path, *, within: Sequence[str] = (), **config: Any) -> None:
        """`within` is put before every command: it enters a namespace."""
        self.file = folder / "redoubt.yaml"
        self.log = folder / "gateway.log"
        self.data = Path(config.get("data", folder / "data"))
        self._command = [*within, str(REDOUBT), "--config", str(self.file)]
        self.file.write_text(json.dumps({**CONFIG, "keys": [MEMBER], **config}))
        self.keys: dict[str, str] = {key["name"]: key["key"] for key in self.verb("init")["keys"]}
        self._process: subprocess.Popen[str] | None = None

    @property
    def key(self) -> str:
        return self.keys["member"]

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "it was not started"
        return self._process

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A verb that may fail."""
        return subprocess.run([*self._command, *words], capture_output=True, text=True, check=False, timeout=60)

    def verb(self, *words: str) -> Any:
        """A verb's JSON. Fails the test with what it said."""
        ran = self.run(*words, "--json")
        assert ran.returncode == 0, f"redoubt {' '.join(words)}: {ran.stderr}{ran.stdout}"
        return json.loads(ran.stdout)

    def launch(self, under: Sequence[str] = (), env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """`redoubt serve`, not waited for. Its log goes on where the last run's ended."""
        command = [*under, *self._command, "serve"]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=env)

    def start(self, under: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Site:
        """Serve, `under` a tracer; returns once requests are answered."""
        self._process = self.launch(under, env)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it ended at once: {self.log.read_text()[-2000:]}"
        _, _, api, _, admin = line.split()
        return Site(config=self.file, url=api.removesuffix("/v1"), admin_url=admin, admin_key=self.keys["admin"])

    def terminate(self) -> None:
        """Ask it to stop, and do not wait."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Ask it to stop; the exit code."""
        self.terminate()
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        self.process.communicate(timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        """As a power cut would: it hears nothing of it."""
        self.process.kill()
        self.ended()

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the ledger, newest first, read from the host."""
        found: list[dict[str, Any]] = self.verb("ledger", "list", "--limit", "10000")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self.kill()
