"""`redoubt audit`, `redoubt updates` and `redoubt bundle advisories`, as they are typed."""

import hashlib
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appliance.cli import main
from appliance.cli.advisories import advisories
from appliance.cli.frame import Root
from offline.advisories.archive import pack
from offline.rules.trust import read_trust
from tests.offline.audit.subjects import installed, lock, seed
from tests.offline.channel import ANN, CARA, Signer, advisory, channel, folder_of, trust

DAVE = Signer("dave")
TODAY = datetime.now(UTC).replace(microsecond=0)
FRESH = (TODAY - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Desk:
    """A folder with a trust file, fresh advisories about `leaky` before 2.0, and the program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "1.trust").write_text(str(trust()))
        told = advisory(modified=FRESH, published=FRESH)
        self.fresh = channel(folder / "fresh", told, created=TODAY - timedelta(days=1))

    def call(self, *words: object) -> Result:
        return CliRunner().invoke(main, [str(one) for one in words])

    def audit(self, *words: object, data: Path | None = None) -> Result:
        return self.call("audit", "run", "--advisories", data or self.fresh, "--trust", self.folder / "1.trust", *words)

    def bundle(self, *words: object) -> Result:
        root = Root("redoubt", example="redoubt", commands={"advisories": advisories})
        return CliRunner().invoke(root, ["advisories", *(str(one) for one in words)])

    def file(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_clean_audit_exits_0_and_a_finding_10(desk: Desk) -> None:
    assert desk.audit("--lock", lock(desk.file("a.txt"), "leaky==2.0")).exit_code == 0
    assert desk.audit("--lock", lock(desk.file("b.txt"), "leaky==1.0")).exit_code == 10


def test_old_advisories_exit_20(desk: Desk) -> None:
    ran = desk.audit("--lock", lock(desk.file("a.txt"), "sound==1.0"), data=seed(desk.file("seed")))

    assert ran.exit_code == 20
    assert "days old" in ran.stdout


def test_an_incomplete_audit_exits_21(desk: Desk) -> None:
    assert desk.audit("--lock", lock(desk.file("a.txt"), "sound>=1.0")).exit_code == 21
    assert desk.audit("--lock", desk.file("none.txt")).exit_code == 21
    assert desk.audit("--environment", desk.file("none")).exit_code == 21


def test_advisories_that_nobody_signed_exit_22(desk: Desk) -> None:
    (desk.fresh / "SHA256SUMS.cara.ed25519.sig").unlink()

    ran = desk.audit("--lock", lock(desk.file("a.txt"), "sound==1.0"), "--json")

    assert ran.exit_code == 22
    assert json.loads(ran.stdout)["data"] is None


def test_an_audit_that_fails_itself_exits_30(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **more: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr(sys.modules["appliance.cli.audit"], "_data", fail)

    ran = desk.audit("--lock", lock(desk.file("a.txt"), "sound==1.0"))

    assert ran.exit_code == 30
    assert "ZeroDivisionError" in ran.stderr


def test_advisories_named_by_hash_need_no_trust_file(desk: Desk) -> None:
    sha256 = hashlib.sha256((desk.fresh / "SHA256SUMS").read_bytes()).hexdigest()
    pins = lock(desk.file("a.txt"), "sound==1.0")

    ran = desk.call("audit", "run", "--lock", pins, "--advisories", desk.fresh, "--pin", sha256)

    assert ran.exit_code == 0, ran.output


def test_an_environment_is_audited_by_its_folder(desk: Desk) -> None:
    installed(desk.file("env") / "lib" / "python3.11" / "site-packages", "leaky", "1.0")

    ran = desk.audit("--environment", desk.file("env"), "--json")

    assert (ran.exit_code, json.loads(ran.stdout)["findings"][0]["id"]) == (10, "PYSEC-2026-1")


def test_outside_of_a_release_the_parts_must_be_named(desk: Desk) -> None:
    ran = desk.call("audit", "run")

    assert ran.exit_code == 1
    assert "not the program of an installed release" in ran.stderr


def test_a_policy_that_fails_before_it_warns_is_refused(desk: Desk) -> None:
    ran = desk.audit("--lock", lock(desk.file("a.txt"), "sound==1.0"), "--fail-days", 3)

    assert (ran.exit_code, "comes after" in ran.stderr) == (1, True)


def test_a_site_imports_what_falls_from_a_link_and_knows_how_old_it_is(desk: Desk) -> None:
    state = ["--state", desk.file("state"), "--trust", desk.file("1.trust")]
    drop = desk.file("drop")
    drop.mkdir()
    packed = desk.bundle("pack", desk.fresh, "--out", drop / "advisories-1.tar", "--json")
    assert packed.exit_code == 0, packed.output

    taken = desk.bundle("import", drop, *state, "--json")
    told = desk.call("audit", "status", *state, "--json")

    assert [one["result"] for one in json.loads(taken.stdout)["receipts"]] == ["imported"]
    assert told.exit_code == 0, told.output
    status = json.loads(told.stdout)
    assert (status["state"], status["age_days"], status["last"]["result"]) == ("fresh", 2, "imported")
    assert desk.bundle("import", drop, *state).stdout == "nothing has arrived\n"


def test_a_site_without_advisories_says_so_and_exits_22(desk: Desk) -> None:
    ran = desk.call("audit", "status", "--state", desk.file("state"), "--trust", desk.file("1.trust"))

    assert ran.exit_code == 22
    assert "no advisories that can be believed" in ran.stdout


def test_a_refused_arrival_exits_1_with_its_reason(desk: Desk) -> None:
    desk.file("drop").mkdir()
    pack(desk.fresh, desk.file("drop") / "a.tar")
    (desk.file("drop") / "a.tar.complete").write_text("0" * 64)

    ran = desk.bundle("import", desk.file("drop"), "--state", desk.file("state"), "--trust", desk.file("1.trust"))

    assert (ran.exit_code, "arrived broken" in ran.stdout) == (1, True)


def test_a_folder_is_built_from_a_publishers_files_and_not_packed_unsigned(desk: Desk) -> None:
    source = folder_of(desk.file("source"), advisory(modified=FRESH, published=FRESH))

    built = desk.bundle("build", source, "--seq", 3, "--out", desk.file("out"), "--commit", "abc", "--json")
    unsigned = desk.bundle("pack", desk.file("out"), "--out", desk.file("out.tar"))
    CARA.sign(desk.file("out"))
    signed = desk.bundle("pack", desk.file("out"), "--out", desk.file("out.tar"))

    assert built.exit_code == 0, built.output
    assert json.loads(built.stdout)["sources"][0]["commit"] == "abc"
    assert (unsigned.exit_code, signed.exit_code) == (1, 0)
    assert desk.file("out.tar.complete").exists()


def key(desk: Desk, signer: Signer) -> Path:
    file = desk.file(f"{signer.id}.key")
    file.write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def test_a_medium_is_made_checked_and_fetched_from(desk: Desk) -> None:
    medium, packed = desk.file("medium"), desk.file("redoubt-1.tar")
    packed.write_bytes(b"packed")
    public = DAVE.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    desk.file("dave.pem").write_bytes(public)
    made = ["updates", "medium"]
    who = ["--trust", desk.file("1.trust"), "--medium-key", desk.file("dave.pem"), "--key", key(desk, ANN)]
    for words in (
        [*made, "create", medium, *who],
        [*made, "add", medium, "app", packed, "--key", key(desk, ANN)],
        [*made, "sign", medium, "app", "--key", key(desk, ANN)],
        [*made, "seal", medium, "--key", key(desk, DAVE)],
    ):
        ran = desk.call(*words)
        assert ran.exit_code == 0, ran.output
    site = ["--state", desk.file("site"), "--root", medium / "metadata" / "1.root.json"]

    checked = desk.call("updates", "check", medium, *site)
    fetched = desk.call("updates", "fetch", medium, "app/redoubt-1.tar", "--into", desk.file("in"), *site, "--json")

    assert "redoubt-1.tar" in checked.stdout, checked.output
    assert fetched.exit_code == 0, fetched.output
    assert (desk.file("in") / "redoubt-1.tar").read_bytes() == b"packed"
    assert desk.call("updates", "fetch", medium, "app/no.tar", "--into", desk.file("in"), *site).exit_code == 1


def test_a_refused_medium_is_one_line(desk: Desk) -> None:
    desk.file("empty").mkdir()
    root = desk.file("root.json")
    root.write_text("{}")

    ran = desk.call("updates", "check", desk.file("empty"), "--state", desk.file("site"), "--root", root)

    assert ran.exit_code == 1
    assert ran.stderr.startswith("redoubt: ")
    assert ran.stderr.count("\n") == 1


def test_the_trust_file_of_these_tests_is_one(desk: Desk) -> None:
    assert read_trust(desk.file("1.trust").read_bytes()).threshold("advisories") == 1


def sbom(desk: Desk, purl: str) -> Path:
    part = {"name": "part", "purl": purl, "properties": [{"name": "redoubt:known-by"}]}
    desk.file("redoubt.cdx.json").write_text(json.dumps({"components": [part]}))
    return desk.file("redoubt.cdx.json")


def test_libraries_inside_wheels_are_audited_by_the_sbom_or_left_out_with_a_reason(desk: Desk) -> None:
    pins = lock(desk.file("a.txt"), "sound==1.0")
    words = ["--lock", pins, "--sbom", sbom(desk, "pkg:cargo/time@0.3.50")]

    left_out = desk.audit(*words, "--without-natives", "no data yet")

    assert desk.audit(*words).exit_code == 21
    assert (left_out.exit_code, "left out: no data yet" in left_out.stdout) == (0, True)
    assert desk.audit("--lock", pins, "--sbom", desk.file("1.trust")).exit_code == 1


def test_a_finding_that_a_vex_file_answers_for_exits_11(desk: Desk) -> None:
    file = desk.file("vex.toml")
    file.write_text(
        '[[entry]]\nid = "PYSEC-2026-1"\npackage = "leaky"\nversions = "<2"\nstate = "not_affected"\n'
        'justification = "vulnerable_code_not_in_execute_path"\ndetail = "never called"\nauthor = "ann"\n'
        f"created = {TODAY.date()}\nexpires = {TODAY.date() + timedelta(days=30)}\n"
    )
    pins = lock(desk.file("a.txt"), "leaky==1.0")

    assert desk.audit("--lock", pins, "--vex", file).exit_code == 11
    file.write_text('[[entry]]\nid = "PYSEC-2026-1"\n')
    assert desk.audit("--lock", pins, "--vex", file).exit_code == 1


def test_inside_a_release_everything_lies_where_the_site_has_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = desk.file("opt")
    release = prefix / "releases" / "0.1.0-abc"
    for name in ("serve", "tools"):
        installed(release / name / "lib" / "python3.11" / "site-packages", "sound", "1.0")
    (release / "bundle" / "locks").mkdir(parents=True)
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    lock(release / "bundle" / "locks" / f"serve-{tag}.txt", "sound==1.0")
    (release / "bundle" / "sbom").mkdir()
    sbom(desk, "pkg:generic/libyaml@0.2.5").rename(release / "bundle" / "sbom" / "redoubt.cdx.json")
    desk.fresh.rename(release / "bundle" / "advisories")
    (prefix / "state" / "trust").mkdir(parents=True)
    desk.file("1.trust").rename(prefix / "state" / "trust" / "1.trust")
    monkeypatch.setattr(sys, "prefix", str(release / "tools"))

    ran = desk.call("audit", "run", "--json")

    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert [one["kind"] for one in told["subjects"]] == ["lock", "environment", "environment", "native"]
    assert told["counts"]["audited"] == 3
    assert told["subjects"][-1]["unwatched"] == ["libyaml 0.2.5"]


def test_serve_osv_says_where_it_listens_and_how_old_its_data_is(desk: Desk) -> None:
    words = ["audit", "serve-osv", "--json", "--advisories", desk.fresh, "--trust", desk.file("1.trust")]
    command = [sys.executable, "-m", "appliance.cli", *(str(one) for one in words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as running:
        assert running.stdout is not None
        told = json.loads("".join(iter(running.stdout.readline, "}\n")) + "}")
        connection = HTTPConnection(told["url"].removeprefix("http://"), timeout=10)
        connection.request("GET", "/v1/vulns/PYSEC-2026-1")
        status = connection.getresponse().status
        connection.close()
        running.send_signal(signal.SIGINT)

    assert (told["age_days"], status, running.returncode) == (2, 200, 0)


def test_serve_osv_does_not_serve_what_nobody_signed(desk: Desk) -> None:
    (desk.fresh / "SHA256SUMS.cara.ed25519.sig").unlink()

    ran = desk.call("audit", "serve-osv", "--advisories", desk.fresh, "--trust", desk.file("1.trust"))

    assert ran.exit_code == 22
