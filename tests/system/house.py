"""A site that one release after another serves, each as a process of its own."""

import json
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e.gateway import CONFIG, MEMBER
from tests.e2e.site import Site
from tests.system.releases import Release


class House:
    """A new site, made by `release`. Leaving the block kills what still serves it."""

    def __init__(self, folder: Path, release: Release, **config: Any) -> None:
        self.file = folder / "redoubt.yaml"
        self.data = folder / "data"
        self.log = folder / "gateway.log"
        self.file.write_text(json.dumps({**CONFIG, "keys": [MEMBER], **config}))
        self.keys: Mapping[str, str] = {key["name"]: key["key"] for key in self.verb(release, "init")["keys"]}
        self._process: subprocess.Popen[str] | None = None

    @property
    def key(self) -> str:
        return self.keys["member"]

    def run(self, release: Release, *words: str) -> subprocess.CompletedProcess[str]:
        """A verb of a release that may fail."""
        return release.run("--config", str(self.file), *words)

    def verb(self, release: Release, *words: str) -> Any:
        """A verb's JSON. Fails the test with what it said."""
        ran = self.run(release, *words, "--json")
        assert ran.returncode == 0, f"redoubt {' '.join(words)}: {ran.stderr}{ran.stdout}"
        return json.loads(ran.stdout)

    def start(self, release: Release) -> Site:
        """Serve; returns once requests are answered."""
        command = release.command("--config", str(self.file), "serve")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=release.tree, env=release.environment
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it ended at once: {self.log.read_text()[-2000:]}"
        _, _, api, _, admin = line.split()
        return Site(config=self.file, url=api.removesuffix("/v1"), admin_url=admin, admin_key=self.keys["admin"])

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "it was not started"
        return self._process

    def stop(self) -> None:
        """Ask it to stop, and wait for its end, which must be a good one."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        """As a power cut would: it hears nothing of it."""
        self.process.kill()
        self.process.communicate(timeout=60)

    def total(self, release: Release) -> dict[str, Any]:
        """Everything that was ever used, as a release sums it."""
        [line] = self.verb(release, "spend", "--total")["lines"]
        return dict(line)

    def requests(self, release: Release) -> list[str]:
        """The ids of all rows of the ledger, sorted."""
        rows = self.verb(release, "ledger", "list", "--limit", "10000")
        return sorted(row["request_id"] for row in rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self._process.communicate()
