"""Verbs about the host: configuration, databases, backups, the doctor, and the program as a process."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from appliance.config.schema import Site
from tests.appliance.cli.conftest import Program, call


def test_config_check_lists_every_problem_with_its_line_and_ends_with_one(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("stop:\n  drain_seconds: -1\nlog: {level: loud}\n")

    result = call("config", "check", str(file))

    assert result.exit_code == 1
    assert [line.split(": ")[0] for line in result.stdout.splitlines()] == [f"{file}:2", f"{file}:3"]
    assert len(json.loads(call("config", "check", str(file), "--json").stdout)["problems"]) == 2


def test_config_check_knows_what_providers_and_the_egress_guard_know(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("models: [{name: m, deployments: [{label: a, provider: vlm, url: 'http://10.1.1.1', model: x}]}]")

    told = call("config", "check", str(file)).stdout

    assert "deployment `m/a`: `10.1.1.1` is in no network of the egress allow-list" in told
    assert "no provider `vlm`; did you mean `vllm`?" in told


def test_config_check_warns_about_plain_http_and_ends_well(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("listen: {api: {host: 10.1.1.1, plain_http: true}}")

    result = call("config", "check", str(file))

    assert result.exit_code == 0
    assert "warning: listen.api: plain http on 10.1.1.1:4000" in result.stdout


def test_the_example_the_schema_and_the_settings_are_printed() -> None:
    assert call("config", "example").stdout == files("appliance.config").joinpath("example.yaml").read_text()
    assert json.loads(call("config", "schema").stdout)["$ref"] == "#/$defs/Site"
    assert "`listen.api.port`" in call("config", "settings").stdout


def test_the_effective_configuration_has_every_default(program: Program) -> None:
    shown = program.json("config", "show")

    assert set(shown) == {*Site.__struct_fields__}
    assert shown["limits"]["json_depth"] == 64
    assert "json_depth: 64" in program.say("config", "show")


def test_the_databases_fit_and_migrating_them_does_nothing(program: Program) -> None:
    assert program.json("db", "status")["fits"]
    assert [one["before"] == one["after"] for one in program.json("db", "migrate")] == [True, True]


def test_databases_that_do_not_fit_are_told_and_end_with_one(program: Program) -> None:
    (program.data / "store.db").unlink()
    (program.data / "store.db").touch(0o600)

    result = program.run("db", "status", "--json")

    assert result.exit_code == 1
    assert "redoubt db migrate" in json.loads(result.stdout)["why"]


def test_a_backup_is_made_checked_and_restored_without_the_master_key(program: Program, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    program.say("keys", "create", "kept")

    told = program.say("backup", "create", str(target))
    assert f"not in it: {program.data / 'master.key'}" in told
    assert (program.data / "master.key").read_bytes() not in b"".join(one.read_bytes() for one in target.iterdir())
    assert "is sound" in program.say("backup", "verify", str(target))
    program.say("keys", "create", "lost")
    program.say("backup", "restore", str(target), "--yes")

    assert {key["name"] for key in program.json("keys", "list")} == {"admin", "kept"}
    assert program.run("backup", "create", str(target)).exit_code == 1


def test_a_site_that_is_gone_comes_back_from_its_backup_and_its_master_key(program: Program, tmp_path: Path) -> None:
    program.say("backup", "create", str(tmp_path / "backup"))
    master = (program.data / "master.key").read_bytes()
    shutil.rmtree(program.config.parent)

    told = program.say("backup", "restore", str(tmp_path / "backup"), "--yes")
    assert f"put the site's master key at {program.data / 'master.key'}" in told
    (program.data / "master.key").write_bytes(master)
    (program.data / "master.key").chmod(0o400)

    assert [key["name"] for key in program.json("keys", "list")] == ["admin"]


def test_a_damaged_backup_is_refused(program: Program, tmp_path: Path) -> None:
    program.say("backup", "create", str(tmp_path / "backup"))
    with (tmp_path / "backup" / "store.db").open("r+b") as damaged:
        damaged.seek(5000)
        damaged.write(b"damage")

    assert "is not what was backed up" in program.refusal("backup", "verify", str(tmp_path / "backup"))
    assert program.run("backup", "restore", str(tmp_path / "backup"), "--yes").exit_code == 1


def test_what_is_no_backup_is_said_before_anything_is_asked(program: Program, tmp_path: Path) -> None:
    assert "is no backup" in program.refusal("backup", "restore", str(tmp_path))


def test_a_restore_asks_by_the_backups_date(program: Program, tmp_path: Path) -> None:
    program.say("backup", "create", str(tmp_path / "backup"))

    asked = program.run("backup", "restore", str(tmp_path / "backup"), typed="n\n")

    assert re.search(r"by the backup of \d{4}-\d\d-\d\d \d\d:\d\d UTC\?", asked.output)
    assert asked.exit_code == 1


@contextmanager
def endpoint() -> Iterator[str]:
    """A server of the OpenAI dialogue that serves one model, in a thread."""
    loop, ready, url = asyncio.new_event_loop(), threading.Event(), list[str]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = request.split()[1]
        known = path == "/v1/models"
        body = b'{"object":"list","data":[{"id":"meta/llama","object":"model"}]}' if known else b"{}"
        status = "200 OK" if known else "404 Not Found"
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        writer.write(f"{head}connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            stop = loop.create_future()
            stops.append(lambda: stop.set_result(None))
            ready.set()
            await stop

    stops: list[Any] = []
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    try:
        yield url[0]
    finally:
        loop.call_soon_threadsafe(stops[0])
        thread.join(30)
        loop.close()


def test_the_doctor_prints_a_card_of_an_endpoint_that_lives(program: Program) -> None:
    with endpoint() as url:
        program.say(
            "deployments", "set", "llama/one", "--provider", "openai_compatible", "--url", url,
            "--upstream-model", "meta/llama",
        )  # fmt: skip
        told = program.json("doctor", "--deployment", "llama/one")
        text = program.say("doctor")

    (card,) = told["endpoints"]
    assert card["health"]["state"] == "live"
    assert [model["id"] for model in card["models"]] == ["meta/llama"]
    assert "endpoint-key" in {finding["check"] for finding in card["findings"]}
    assert "endpoint llama/one: openai_compatible" in text


def test_the_doctor_ends_with_one_when_an_endpoint_is_dead(program: Program) -> None:
    program.deploy("llama/one", "http://127.0.0.1:1")

    result = program.run("doctor", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["endpoints"][0]["health"]["state"] == "dead"
    assert program.run("doctor", "--offline").exit_code == 0
    assert "there is no deployment" in program.run("doctor", "--deployment", "a/b").stderr


def test_the_doctor_sees_what_is_wrong_with_the_machine(program: Program) -> None:
    program.data.chmod(0o755)
    (program.data / "master.key").chmod(0o600)

    result = program.run("doctor", "--json")

    levels = {finding["check"]: finding["level"] for finding in json.loads(result.stdout)["machine"]}
    assert result.exit_code == 1
    assert (levels["rights"], levels["master-key"], levels["python"]) == ("fail", "fail", "ok")


def test_the_doctor_of_a_wrong_file_says_what_is_wrong_and_asks_nobody(program: Program) -> None:
    program.config.write_text("lisen: {}")

    result = program.run("doctor")

    assert result.exit_code == 1
    assert "did you mean `listen`?" in result.stdout


def test_the_version_is_told() -> None:
    assert call("version").stdout.startswith("redoubt ")
    assert set(json.loads(call("version", "--json").stdout)) == {"version", "schema", "python"}


def test_as_a_process_it_makes_a_site_reads_its_variable_and_refuses_in_one_line(tmp_path: Path) -> None:
    program = [str(Path(sys.executable).with_name("redoubt"))]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        variables = {"REDOUBT_CONFIG": str(tmp_path / "redoubt.yaml"), "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            [*program, *words], capture_output=True, text=True, check=False, cwd=tmp_path, env=variables, timeout=100
        )

    made = run("init")
    listed = run("keys", "list", "--json")
    refused = run("keys", "show", "admn")

    assert (made.returncode, made.stderr) == (0, "")
    assert [key["name"] for key in json.loads(listed.stdout)] == ["admin"]
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "redoubt: no key has this name or id; did you mean `admin`?\n"
    assert run("keys", "shw").returncode == 2


def test_serve_says_what_is_missing_before_anything_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "redoubt.yaml"
    file.write_text("listen: {api: {host: 0.0.0.0}}")

    refused = call("--config", str(file), "serve")

    assert refused.exit_code == 1
    assert f"{file}:1: listen.api.host" in refused.stderr
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("words", [("backup", "restore", "x"), ("keys", "revoke", "x"), ("db", "migrate")])
def test_verbs_that_change_need_a_configuration(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = call("--config", str(tmp_path / "none.yaml"), *words)

    assert result.exit_code == 1
