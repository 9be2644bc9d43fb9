"""What a model learns from is named, hashed and attributed, to the last file."""

import shutil
import tomllib
from pathlib import Path

import pytest

from offline.failure import Failure
from offline.models.corpora import part, read
from offline.models.manifest import HOME, HOMES, Data, language_of, read_data
from offline.models.notice import dataset, notice

DOUBTFUL = ("smartdata", "multinerd", "conll2003", "ontonotes", "bbc")  # what a licence forbids or leaves open


@pytest.fixture(scope="module", params=HOMES)
def home(request: pytest.FixtureRequest) -> Path:
    return HOMES[request.param]


@pytest.fixture(scope="module")
def data(home: Path) -> Data:
    return read_data(home)


def test_a_home_says_which_language_its_model_is_for() -> None:
    assert {language_of(home): home for home in HOMES.values()} == HOMES


def test_every_file_of_text_and_words_is_in_the_manifest(home: Path, data: Data) -> None:
    named = {one.path for one in data.every}
    there = {
        path
        for folder in ("corpora", "words", "templates")
        for path in (home / folder).rglob("*")
        if path.is_file() and path.name != "PROVENANCE.md"
    }

    assert there == named


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(HOME, home)
    with (home / "words/regions.txt").open("a") as file:
        file.write("Atlantis\n")

    with pytest.raises(Failure, match=r"`regions\.txt` is not the file the data manifest names"):
        read_data(home)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(HOME, home)
    (home / "corpora/en-btc.jsonl.gz").unlink()

    with pytest.raises(Failure, match=r"`en-btc\.jsonl\.gz` of the data manifest is not there"):
        read_data(home)


def test_share_alike_text_lies_apart_and_can_be_left_out(data: Data) -> None:
    apart = {one.name for one in data.corpora if one.path.parent.name == "share_alike"}
    marked = {one.name for one in data.corpora if one.share_alike}

    assert apart == marked
    assert {one.name for one in data.corpora if "-SA-" in one.licence} <= marked
    assert {one.name for one in data.without_share_alike().corpora} == {one.name for one in data.corpora} - marked


def test_nothing_doubtful_is_among_the_corpora(data: Data) -> None:
    said = [f"{one.name} {one.path.name} {one.source}".lower() for one in data.corpora]

    assert [word for word in DOUBTFUL for one in said if word in one] == []
    assert [one.name for one in data.corpora if "NC" in one.licence] == []


def test_the_notice_is_made_from_the_manifest_and_names_everybody(home: Path, data: Data) -> None:
    page = (home / "NOTICE.md").read_text(encoding="utf-8")

    assert page == notice(data)
    assert [one.name for one in data.every if one.attribution not in page] == []


def test_the_provenance_page_names_each_corpus_and_its_hash(home: Path, data: Data) -> None:
    page = (home / "corpora/PROVENANCE.md").read_text(encoding="utf-8")

    assert [one.name for one in data.corpora if f"{one.sha256}  " not in page or one.path.name not in page] == []


def test_sources_are_told_without_a_scheme(home: Path) -> None:
    told = tomllib.loads((home / "data.toml").read_text(encoding="utf-8"))

    assert [one["name"] for one in (*told["corpus"], *told["words"]) if "://" in str(one)] == []


def test_the_ml_bom_names_repository_licence_and_authors() -> None:
    btc = next(one for one in read_data().corpora if one.name == "en-btc")

    told = dataset(btc)

    assert told["url"] == "github.com/GateNLP/broad_twitter_corpus"
    assert told["licence"] == "CC-BY-4.0"
    assert "Derczynski" in told["note"]


def test_a_document_lies_in_one_part_as_a_whole(data: Data) -> None:
    for corpus in data.corpora:
        parts = {name: {line.doc for line in read(corpus, name)} for name in ("train", "validation", "dev")}

        assert not parts["train"] & parts["validation"], corpus.name
        assert not (parts["train"] | parts["validation"]) & parts["dev"], corpus.name


def test_the_dev_part_of_a_source_is_never_cut_for_training() -> None:
    assert {part(f"doc-{at}", "dev") for at in range(500)} == {"dev"}


def test_about_one_document_in_twelve_chooses() -> None:
    chosen = sum(part(f"doc-{at}", "train") == "validation" for at in range(10_000))

    assert 600 < chosen < 1_000


def test_a_line_says_which_labels_its_corpus_annotates() -> None:
    gum = next(one for one in read_data().corpora if one.name == "en-gum")

    line = next(read(gum, "dev"))

    assert "NRP" not in line.told
    assert {"PERSON", "DATE_TIME"} <= line.told
