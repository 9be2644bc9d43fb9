"""Only the model that was named is loaded, and only whole."""

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from thinc.api import get_current_ops

from appliance.redaction.worker.model import MANIFEST, ModelRefused, load
from tests.fakes.ner_model import listed, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


def test_the_named_model_is_loaded_without_pipes_that_find_no_names(folder: Path) -> None:
    digest = write(folder)

    model = load(folder, digest)

    assert model.name == f"rules-0.0.1@{digest[:12]}"
    assert model.nlp.pipe_names == ["entity_ruler"]
    assert {"PERSON", "GPE"} <= model.labels


def test_the_layers_of_a_model_multiply_by_numpy_and_those_that_others_make_do_not(folder: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner").add_label("PERSON")
    nlp.initialize()
    nlp.to_disk(folder)

    layers = load(folder, listed(folder)).nlp.get_pipe("ner").model.get_ref("tok2vec").walk()

    assert {layer.ops.use_blis for layer in layers} == {False}
    assert get_current_ops().use_blis


def change(folder: Path) -> None:
    (folder / "tokenizer").write_bytes((folder / "tokenizer").read_bytes() + b" ")


def add(folder: Path) -> None:
    (folder / "extra.py").write_text("print('hello')")


def take(folder: Path) -> None:
    (folder / "tokenizer").unlink()


def link(folder: Path) -> None:
    (folder / "tokenizer").rename(folder.parent / "elsewhere")
    (folder / "tokenizer").symlink_to(folder.parent / "elsewhere")


def rewrite(folder: Path) -> None:
    change(folder)
    listed(folder)


def unlist(folder: Path) -> None:
    (folder / MANIFEST).unlink()


@pytest.mark.parametrize("fault", [change, add, take, link, rewrite, unlist])
def test_a_model_that_is_not_the_named_one_is_refused(fault: Callable[[Path], None], folder: Path) -> None:
    digest = write(folder)
    fault(folder)

    with pytest.raises(ModelRefused, match="model `model`"):
        load(folder, digest)


@pytest.mark.parametrize("line", ["", "../outside", "/etc/passwd", "a b"])
def test_a_manifest_names_files_of_its_folder_only(line: str, folder: Path) -> None:
    write(folder)
    (folder / MANIFEST).write_text(f"{'0' * 64}  {line}\n")

    with pytest.raises(ModelRefused):
        load(folder, "0" * 64)


def test_a_model_spacy_cannot_read_is_refused(folder: Path) -> None:
    write(folder)
    (folder / "tokenizer").unlink()
    (folder / "entity_ruler" / "patterns.jsonl").write_text("{")

    with pytest.raises(ModelRefused, match="cannot be loaded"):
        load(folder, listed(folder))
