"""`redoubt quickstart`: from nothing to a first answer, on this machine, for a first look."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Verb
from appliance.cli.output import say

if TYPE_CHECKING:
    from appliance.cli.trial import Trial

STOP_SECONDS = 40


@click.command(cls=Verb, example="redoubt quickstart --check")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".redoubt/site"),
    show_default=True,
    help="Where the trial site lies; made when it is not there.",
)
@click.option("--check", is_flag=True, help="Stop after the first request; exit 0 when it was answered.")
def quickstart(*, folder: Path, check: bool) -> None:
    """Make a trial site, put what serves on this machine behind it, serve, and send one streamed request.

    Servers are looked for on the loopback ports their kinds listen on; where none answers, a simulated one is started,
    and this says so. Ctrl-C stops everything.
    """
    from appliance.cli.trial import prepare
    from providers.simulated import demo

    site = prepare(folder)
    with contextlib.ExitStack() as stack:
        model = site.register_local_servers()
        if model is None:
            say("no inference server answers on this machine's usual ports: a SIMULATED one is started instead.")
            say("its answers are made-up words; register a real one with `redoubt deployments set`.")
            url = stack.enter_context(_running(list(demo.command(sys.executable)), site.folder / "simulated.log"))
            model = site.register_stand_in(demo.PROVIDER, demo.MODEL, url)
        key = site.key()
        serve = [sys.executable, "-m", "appliance.cli", "--config", str(site.file), "serve"]
        line = stack.enter_context(_running(serve, site.folder / "gateway.log"))
        _, _, base, _, admin = line.split()
        say(f"serving: {base} (admin API and metrics: {admin})\n")
        _report(site, _ask(base, key, model))
        _show(base, key, model, site)
        if not check:
            say("\nserving until Ctrl-C ...")
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    time.sleep(3600)


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[str]:
    """Run a program of ours until the block ends; yields its first line. Raises ConfigError when it ends before."""
    from appliance.domain.errors import ConfigError

    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as child,  # noqa: S603 -- our own
    ):
        try:
            first = child.stdout.readline().strip() if child.stdout else ""
            if not first:
                raise ConfigError(f"`{' '.join(command[1:4])}` ended at once; its last words are in `{log}`")
            yield first
        finally:
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()


def _ask(base: str, key: str, model: str) -> str:
    """One streamed request, its text printed as it comes; its id. Raises UpstreamFailed without a whole answer."""
    from appliance.cli.caller import connection_to
    from appliance.cli.trial import events
    from appliance.domain.errors import UpstreamFailed

    connection = connection_to(base, 120)
    question = "Hello! Please say a few words."
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": question}]})
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise UpstreamFailed(f"the first request was answered {answer.status}: {answer.read(2000).decode()}")
    say(f"asked  {model}: {question}")
    click.echo("answer ", nl=False)
    finished = False
    for event in events(answer):
        for choice in event.get("choices", ()):
            click.echo(choice.get("delta", {}).get("content") or "", nl=False)
            finished = finished or choice.get("finish_reason") is not None
        if "error" in event:
            raise UpstreamFailed(f"the stream broke off: {event['error'].get('message')}")
    say()
    if not finished:
        raise UpstreamFailed("the stream ended before its answer did")
    request_id = answer.getheader("x-request-id") or ""
    connection.close()
    return request_id


def _report(site: "Trial", request_id: str) -> None:
    row = site.row(request_id)
    say(f"route  model {row.model} -> deployment {row.deployment}, attempts {row.attempts}")
    counted = "counted by the gateway" if row.usage.estimated else "told by the server"
    price = "unpriced by declaration" if row.unpriced else f"{row.cost} micros"
    say(
        f"ledger {row.request_id} {row.status}: {row.usage.prompt}+{row.usage.completion} tokens ({counted}), {price}, "
        f"first token {row.first_token_ms} ms, total {row.total_ms} ms, gateway {row.overhead_ms:.1f} ms"
    )


def _show(base: str, key: str, model: str, site: "Trial") -> None:
    say("\ntry it:")
    say(f"  curl -N {base}/chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' \\")
    say(f'    -d \'{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "hello"}}]}}\'')
    say("\n  from openai import OpenAI")
    say(f'  client = OpenAI(base_url="{base}", api_key="{key}")')
    say('  hello = [{"role": "user", "content": "hello"}]')
    say(f'  print(client.chat.completions.create(model="{model}", messages=hello).choices[0].message.content)')
    say(f"\nspend: {Path(sys.executable).with_name('redoubt')} --config {site.file} spend")
