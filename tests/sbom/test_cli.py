"""`redoubt sbom …`: what a reviewer types."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sbom.model import Target
from sbom.write import write
from tests.appliance.cli.conftest import call
from tests.fakes.bundle import ALICE, BOB, header, seal, trust
from tests.sbom.test_deployed import a_model, install
from tests.sbom.wheels import EPOCH, PRODUCT, SERVE, TOOLS, build


class Bundle:
    """A folder with an SBOM, signed by two, and a trust file and a reviewer's key beside it."""

    def __init__(self, folder: Path, version: str = "1.0") -> None:
        self.folder = folder / f"bundle-{version}"
        plain = build(self.folder / "wheels", "plain", version)
        self.wheels: Mapping[Target, list[Path]] = {SERVE: [plain], TOOLS: [plain]}
        write(self.folder, self.wheels, PRODUCT, previous=None, epoch=EPOCH)
        seal(self.folder, header())
        self.trust = folder / "1.trust"
        self.trust.write_bytes(str(trust(ALICE, BOB, roles={"root": 2, "app": 2})).encode())
        self.sbom = self.folder / "sbom/redoubt.cdx.json"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle(tmp_path)


def run(*words: object) -> Result:
    return call("sbom", *map(str, words))


def read(*words: object, code: int = 0) -> object:
    result = run(*words, "--json")
    assert result.exit_code == code, result.output
    found: object = json.loads(result.stdout)
    return found


def refusal(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 1, result.output
    return result.stderr.strip().splitlines()[-1]


def total(found: object) -> float:
    assert isinstance(found, dict)
    return float(found["score"]["total"])


def test_a_signature_raises_the_score_only_when_it_was_verified_here(bundle: Bundle) -> None:
    alone, signed = read("score", bundle.folder), read("score", bundle.folder, "--trust", bundle.trust)

    assert total(signed) > total(alone)
    assert isinstance(signed, dict)
    assert signed["signed_by"] == ["alice", "bob"]


def test_a_bundle_of_one_signer_scores_nothing_at_all(bundle: Bundle) -> None:
    (bundle.folder / "SHA256SUMS.bob.p384.sig").unlink()

    assert "2 distinct signers" in refusal("score", bundle.folder, "--trust", bundle.trust)


def test_an_sbom_that_is_not_the_listed_one_is_not_signed(bundle: Bundle) -> None:
    bundle.sbom.write_bytes(bundle.sbom.read_bytes().replace(b"A Maker", b"B Maker"))

    assert "is not the one that SHA256SUMS lists" in refusal("score", bundle.folder, "--trust", bundle.trust)


def test_a_file_alone_cannot_be_called_signed(bundle: Bundle) -> None:
    assert run("score", bundle.sbom, "--trust", bundle.trust).exit_code == 2


def test_a_reviewers_approval_is_written_and_found_valid(bundle: Bundle, tmp_path: Path) -> None:
    key = private(tmp_path / "carol.pem")

    assert "wrote" in run("approve", bundle.folder, "--id", "carol", "--key", key[0]).stdout

    assert (bundle.folder / "APPROVAL.carol.ed25519.sig").stat().st_size == 64
    found = read("score", bundle.folder, "--reviewer", "carol", key[1])
    assert isinstance(found, dict)
    assert found["signed_by"] == ["carol (approval)"]


def test_another_persons_approval_is_not_the_reviewers(bundle: Bundle, tmp_path: Path) -> None:
    mine, other = private(tmp_path / "a.pem"), private(tmp_path / "b.pem")
    run("approve", bundle.folder, "--id", "carol", "--key", mine[0])

    assert "signature" in refusal("score", bundle.folder, "--reviewer", "carol", other[1])


def test_what_was_changed_after_signing_cannot_be_approved(bundle: Bundle, tmp_path: Path) -> None:
    bundle.sbom.write_bytes(bundle.sbom.read_bytes() + b" ")

    assert "SHA256SUMS lists" in refusal("approve", bundle.folder, "--id", "x", "--key", private(tmp_path / "a.pem")[0])


@pytest.mark.parametrize("id_", ["Carol", "../carol", ""])
def test_an_id_that_is_no_file_name_is_refused(id_: str, bundle: Bundle, tmp_path: Path) -> None:
    assert "is no id" in refusal("approve", bundle.folder, "--id", id_, "--key", private(tmp_path / "a.pem")[0])


def test_a_key_that_is_none_is_refused(bundle: Bundle) -> None:
    assert "no private key" in refusal("approve", bundle.folder, "--id", "carol", "--key", bundle.trust)


def test_check_makes_the_sbom_again_and_says_all_is_there(bundle: Bundle) -> None:
    found = read("check", bundle.folder)

    assert isinstance(found, dict)
    assert (found["schema"], found["bsi"]["percent"], found["made_again_equal"]) == (None, 100.0, True)


def test_check_sees_an_sbom_that_its_wheels_do_not_give(bundle: Bundle) -> None:
    bundle.sbom.write_bytes(bundle.sbom.read_bytes().replace(b"A Maker", b"B Maker"))

    found = read("check", bundle.folder, code=1)

    assert isinstance(found, dict)
    assert found["made_again_equal"] is False


def test_check_of_a_foreign_document_names_its_gaps(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1}')

    result = run("check", tmp_path / "other.json")

    assert result.exit_code == 1
    assert "document: creator of the SBOM" in result.stdout


def test_diff_tells_a_person_and_a_program(bundle: Bundle, tmp_path: Path) -> None:
    later = Bundle(tmp_path, "1.1")

    assert "packages at another version: 1" in run("diff", bundle.folder, later.folder).stdout
    found = read("diff", bundle.folder, later.folder)
    assert isinstance(found, dict)
    assert found["upgraded"] == [{"name": "plain", "before": "1.0", "after": "1.1"}]
    assert run("diff", bundle.folder, bundle.folder).stdout == "nothing changed\n"


def test_deployed_is_equal_until_a_file_is_changed(bundle: Bundle, tmp_path: Path) -> None:
    release = tmp_path / "release"
    for target, paths in bundle.wheels.items():
        install(paths[0], release / target.environment)
    bundle.folder.rename(release / "bundle")

    assert "equal to what was shipped" in run("deployed", "--release", release).stdout

    (release / "serve/lib/python3.11/site-packages/plain/__init__.py").write_text("x")
    result = run("deployed", "--release", release)
    assert result.exit_code == 1
    assert "plain/__init__.py" in result.stdout


def test_deployed_names_the_models_of_the_sites_data_folder(bundle: Bundle, tmp_path: Path) -> None:
    release = tmp_path / "release"
    for target, paths in bundle.wheels.items():
        install(paths[0], release / target.environment)
    bundle.folder.rename(release / "bundle")
    a_model(tmp_path / "data/models")
    config = tmp_path / "redoubt.yaml"
    config.write_text("data: data\n")

    told = call("--config", str(config), "sbom", "deployed", "--release", str(release))

    assert told.exit_code == 0, told.output
    assert "operator-supplied: en_core_rules_sm 3.8.0 (models)" in told.stdout
    assert "equal to what was shipped and added" in told.stdout


def test_the_page_is_made_against_what_the_site_has(bundle: Bundle, tmp_path: Path) -> None:
    later = Bundle(tmp_path, "1.1")
    page = tmp_path / "report.html"

    run("report", later.folder, "--before", bundle.folder, "--output", page)

    assert "Packages at another version: 1" in page.read_text()


def test_the_page_is_refused_for_an_sbom_its_wheels_do_not_give(bundle: Bundle, tmp_path: Path) -> None:
    bundle.sbom.write_bytes(bundle.sbom.read_bytes().replace(b"A Maker", b"B Maker"))

    assert "is not what its wheels give" in refusal("report", bundle.folder, "--output", tmp_path / "r.html")


def test_what_is_no_sbom_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")

    assert "neither a CycloneDX nor an SPDX 2 document" in refusal("score", tmp_path / "x.json")
    assert "is not there" in refusal("score", tmp_path)


def private(file: Path) -> tuple[Path, Path]:
    """A new Ed25519 key: the private and the public file."""
    key = Ed25519PrivateKey.generate()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = file.with_suffix(".pub")
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file, public
