import csv
import io
import os
from datetime import timedelta

from appliance.domain.ids import KeyId, Micros, RequestId
from appliance.domain.ledger import LedgerRow, Status
from appliance.domain.usage import Usage
from appliance.store.folder import DataFolder
from appliance.store.lock import hold_alone
from tests.appliance.cli.conftest import Program
from tests.fakes.clock import NOON


def a_row(number: int, key: str, *, cost: int = 0, model: str = "llama", days: int = 0) -> LedgerRow:
    return LedgerRow(
        at=NOON - timedelta(days=days),
        request_id=RequestId(f"req_{number:024x}"),
        key_id=KeyId(key),
        kind="chat/completions",
        model=model,
        deployment="one",
        attempts=1,
        status=Status.OK,
        http_status=200,
        usage=Usage(10, 5, estimated=not cost),
        cost=Micros(cost),
        unpriced=not cost,
        total_ms=12,
    )


def used(program: Program) -> str:
    key: str = program.json("keys", "list")[0]["id"]
    rows = [a_row(1, key, cost=1_500_000), a_row(2, key, cost=250_000, days=1), a_row(3, key, model="qwen")]
    program.record([*rows, a_row(4, "key_00000000000000ff", cost=1)])
    return key


def test_spend_is_summed_by_key_and_model_in_units(program: Program) -> None:
    key = used(program)

    told = program.json("spend", "--by", "model,key")

    lines = {(line["key"], line["key_id"], line["model"]): line for line in told["lines"]}
    assert told["by"] == ["key", "model"]
    assert lines["admin", key, "llama"]["cost"] == "1.75"
    assert lines["admin", key, "llama"]["cost_micros"] == 1_750_000
    assert lines["admin", key, "llama"]["requests"] == 2
    assert lines["admin", key, "qwen"]["unpriced"] == 1
    assert lines["", "key_00000000000000ff", "llama"]["cost"] == "0.000001"


def test_what_has_no_price_is_said_to_be_unpriced_by_declaration(program: Program) -> None:
    used(program)

    told = program.say("spend")

    assert "1 unpriced by declaration" in told
    assert "1 counted by the gateway" in told
    assert told.splitlines()[-1].startswith("unpriced by declaration: no price was declared")
    assert "total: 4 requests, 1.750001" in told


def test_where_everything_has_a_price_nothing_is_said_about_it(program: Program) -> None:
    program.record([a_row(1, "key_00000000000000ff", cost=1)])

    assert "unpriced" not in program.say("spend")


def test_spend_by_day_since_a_day_for_one_key_as_csv(program: Program) -> None:
    used(program)

    told = program.say("spend", "--by", "day", "--since", f"{NOON:%Y-%m-%d}", "--key", "admin", "--csv")

    (line,) = csv.DictReader(io.StringIO(told))
    assert (line["day"], line["requests"], line["cost"], line["unpriced"]) == ("2026-11-22", "2", "1.5", "1")


def test_a_column_or_format_that_is_not_there_is_a_wrong_call(program: Program) -> None:
    result = program.run("spend", "--by", "modle")

    assert result.exit_code == 2
    assert "model" in result.stderr
    assert program.run("spend", "--json", "--csv").exit_code == 2
    assert program.run("spend", "--since", "yesterday").exit_code == 2


def test_the_latest_rows_of_the_ledger_are_listed(program: Program) -> None:
    used(program)

    rows = program.json("ledger", "list", "--limit", "2", "--key", "admin")

    assert len(rows) == 2
    assert rows[0]["status"] == "ok"
    assert "unpriced" in program.say("ledger", "list")


def test_empty_reports_say_so(program: Program) -> None:
    assert program.say("spend") == "nothing was used in that time\n"
    assert program.say("ledger", "list") == "the ledger holds no request yet\n"
    assert program.say("events", "list", "--action", "none.such") == "there is no event\n"


def test_a_cell_that_a_spreadsheet_would_run_is_written_as_text(program: Program) -> None:
    program.record([a_row(1, "key_00000000000000ff", cost=1, model="=cmd()")])

    assert "\n'=cmd()," in program.say("spend", "--by", "model", "--csv").replace("\r", "")


def test_the_egress_manifest_names_what_is_dialled_and_what_is_not(program: Program) -> None:
    program.deploy("llama/one", "http://127.0.0.1:9")

    told = program.json("egress", "manifest")

    assert told["allow"] == ["127.0.0.0/8", "::1/128", "localhost"]
    assert told["destinations"] == [
        {
            "what": "deployment llama/one",
            "host": "127.0.0.1",
            "port": 9,
            "resolved": "literal",
            "tls": False,
            "enabled": True,
            "allowed": True,
            "why": "",
        }
    ]
    assert [one["what"] for one in told["local"]] == ["store", "ledger", "counters", "identity providers"]
    assert "deployment llama/one  127.0.0.1     9" in program.say("egress", "manifest")


def test_the_egress_manifest_says_whether_a_gateway_is_there_to_hold_the_layers(program: Program) -> None:
    def active() -> dict[str, bool]:
        return {layer["name"]: layer["active"] for layer in program.json("egress", "manifest")["layers"]}

    with hold_alone(DataFolder(program.data).gateway_lock, "as a gateway does"):
        while_serving = active()
        said = program.say("egress", "manifest")

    assert list(while_serving.values())[:3] == [True, True, True]
    assert f"dial guard: active (`redoubt serve` armed it: process {os.getpid()} serves this data folder)" in said
    assert not any(active().values())
    assert "loop fuse: not active (no gateway serves this data folder" in program.say("egress", "manifest")


def test_an_endpoint_the_allow_list_no_longer_covers_is_shown_as_refused(program: Program) -> None:
    program.deploy()
    program.config.write_text(program.config.read_text().replace("127.0.0.0/8", "10.0.0.0/8"))

    (endpoint,) = program.json("egress", "manifest")["destinations"]

    assert not endpoint["allowed"]
    assert "in no network of the egress allow-list" in endpoint["why"]
