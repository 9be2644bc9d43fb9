"""A full disk: no work is taken that could not be accounted for, and nothing that was done is forgotten."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.asking import ask, chat, code_of, streaming
from tests.e2e.disk import Disk, small_disk
from tests.e2e.gateway import Gateway, model
from tests.e2e.process import simulated
from tests.e2e.site import eventually


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", "8m") as one:
        yield one


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    pace = ("--interval-ms", "20", "--tokens", "2000")
    with simulated("vllm", tmp_path / "server.log", "--model", "tiny", *pace) as url:
        yield url


def test_a_full_disk_refuses_new_work_loses_nothing_and_is_over_when_there_is_room(
    server: str, disk: Disk, tmp_path: Path
) -> None:
    answered: set[str] = set()

    def asked() -> httpx.Response:
        answer = ask(site, gateway.key, chat("m", 1))
        if answer.status_code == 200:
            answered.add(answer.headers["x-request-id"])
        return answer

    data = str(tmp_path / "disk" / "data")
    with Gateway(tmp_path, within=disk.within, data=data, models=[model("m", server)]) as gateway:
        site = gateway.start()
        assert asked().status_code == 200
        with streaming(site, gateway.key, "m", 100) as stream:
            stream.next()
            disk.fill()
            eventually(lambda: asked().status_code != 200)

            refused = asked()
            assert (refused.status_code, code_of(refused)) == (503, "store_unavailable")
            assert int(refused.headers["retry-after"]) > 0
            ready = httpx.get(f"{site.url}/readyz", trust_env=False)
            assert (ready.status_code, ready.json()["checks"]["ledger"]) == (503, "cannot be written")
            assert httpx.get(f"{site.url}/healthz", trust_env=False).status_code == 200
            wrong = ask(site, "rdt_nonsense", chat("m", 1))
            assert code_of(wrong) == "invalid_api_key"  # though the event about it cannot be written now
            verb = gateway.run("keys", "create", "late", "--model", "*")
            assert verb.returncode == 1
            assert "the disk is full" in verb.stderr
            assert [*stream.rest()][-1] == "[DONE]"  # what runs is finished
            answered.add(stream.request_id)

        disk.free()
        eventually(lambda: asked().status_code == 200)

        eventually(lambda: answered <= {row["request_id"] for row in site.admin("/admin/spend/rows?limit=1000")})
        assert gateway.run("keys", "create", "late", "--model", "*").returncode == 0
        assert gateway.stop() == 0
        rows = [row["request_id"] for row in gateway.rows()]
        assert len(rows) == len(set(rows))  # a batch that was tried again is not written twice
        assert answered <= set(rows)
        assert "refused.invalid_api_key" in {event["action"] for event in gateway.verb("events", "list")}
