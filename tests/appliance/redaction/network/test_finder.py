"""The pipe: it learns a few names, comes back from disk as it was, and is found by the names configurations give."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import load_model_from_config
from thinc.api import Adam, Config, fix_random_seed

from appliance.redaction.network import finder
from appliance.redaction.network.finder import Finder

CONFIG = """
[nlp]
lang = "en"
pipeline = ["ner"]

[components]

[components.ner]
factory = "redoubt_names"

[components.ner.model]
@architectures = "redoubt.Names.v1"
width = 32
hidden = 16
rows = [200, 50, 100, 50]
widths = [16, 8, 8, 8]
letter_width = 8
vector_width = 0
seed = 1
"""
TOLD = [
    ("Ann Miller lives in Bonn", [(0, 2, "PERSON"), (4, 5, "LOCATION")]),
    ("We saw Bonn with Bo", [(2, 3, "LOCATION"), (4, 5, "PERSON")]),
    ("nothing of note was said", []),
    ("Bo wrote to Ann Miller", [(0, 1, "PERSON"), (3, 5, "PERSON")]),
]


def example(nlp: Language, text: str, names: list[tuple[int, int, str]], missing: list[int] | None = None) -> Example:
    doc = nlp.make_doc(text)
    spans = [Span(doc, start, end, label=label) for start, end, label in names]
    doc.set_ents(spans, missing=[doc[at : at + 1] for at in missing or []], default="outside")
    return Example(nlp.make_doc(text), doc)


def begun(examples: list[Example] | None = None) -> tuple[Language, Any]:
    fix_random_seed(1)
    nlp = load_model_from_config(Config().from_str(CONFIG), auto_fill=True)
    some = examples or [example(nlp, *one) for one in TOLD]
    return nlp, nlp.initialize(lambda: some, sgd=Adam(0.02))


@pytest.fixture(scope="module")
def taught() -> Language:
    nlp, optimizer = begun()
    for _ in range(40):
        nlp.update([example(nlp, *one) for one in TOLD], sgd=optimizer, drop=0.1)
    return nlp


def named(nlp: Language, text: str) -> list[tuple[str, str]]:
    return [(one.text, one.label_) for one in nlp(text).ents]


def test_it_learns_the_names_it_is_told(taught: Language) -> None:
    assert named(taught, "Ann Miller lives in Bonn") == [("Ann Miller", "PERSON"), ("Bonn", "LOCATION")]
    assert named(taught, "nothing of note was said") == []


def test_it_learns_while_the_loss_falls() -> None:
    nlp, optimizer = begun()
    losses = []
    for _ in range(15):
        told: dict[str, float] = {}
        nlp.update([example(nlp, *one) for one in TOLD], sgd=optimizer, losses=told)
        losses.append(told["ner"])

    assert all(one > 0 for one in losses)
    assert losses[-1] < losses[0] / 4


def test_a_text_is_read_alike_alone_and_among_others(taught: Language) -> None:
    texts = ["Ann Miller lives in Bonn", "", " \n ", "Bo wrote. " * 60, "We saw Bonn with Bo"]

    together = [[(one.text, one.label_) for one in doc.ents] for doc in taught.pipe(texts)]

    assert together == [named(taught, text) for text in texts]


def test_a_long_text_is_read_in_parts_as_if_it_were_read_at_once(
    taught: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["We saw Bonn with Bo and with Ann Miller . " * 300, "Bo wrote to Ann Miller"]
    at_once = [[(one.start_char, one.end_char, one.label_) for one in doc.ents] for doc in taught.pipe(texts)]

    monkeypatch.setattr(finder, "MOST", 50)

    in_parts = [[(one.start_char, one.end_char, one.label_) for one in doc.ents] for doc in taught.pipe(texts)]
    assert in_parts == at_once
    assert len(at_once[0]) > 300


def test_a_name_neither_begins_nor_ends_with_space(taught: Language) -> None:
    found = [one for text in ("Ann \n Miller lives", "saw Bonn  \n", "\n Bo \n") for one in taught(text).ents]

    assert [one.text for one in found if one.text != one.text.strip()] == []


def test_leaning_towards_names_finds_more_of_them() -> None:
    nlp, _ = begun()
    pipe: Any = nlp.get_pipe("ner")
    pipe.lean(-50.0)
    assert named(nlp, "Ann Miller lives in Bonn") == []

    pipe.lean(100.0)

    assert len(named(nlp, "Ann Miller lives in Bonn")) >= 2


def test_it_comes_back_from_disk_as_it_was(taught: Language, tmp_path: Path) -> None:
    taught.to_disk(tmp_path / "model")
    again = spacy.load(tmp_path / "model")

    assert again.pipe_labels["ner"] == taught.pipe_labels["ner"]
    assert named(again, "Ann Miller lives in Bonn") == named(taught, "Ann Miller lives in Bonn")
    assert {one.suffix for one in (tmp_path / "model/ner").iterdir()} == {""}  # cfg and model: JSON and MessagePack


def test_spacy_finds_it_by_name_without_anybody_importing_it(taught: Language, tmp_path: Path) -> None:
    taught.to_disk(tmp_path / "model")
    code = "import spacy, sys; print([e.text for e in spacy.load(sys.argv[1])('Ann Miller lives in Bonn').ents])"

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model")], capture_output=True, text=True, check=False
    )

    assert done.stdout.strip() == "['Ann Miller', 'Bonn']", done.stderr


def slope(nlp: Language, examples: list[Example]) -> tuple[float, np.ndarray[Any, Any]]:
    pipe: Any = nlp.get_pipe("ner")
    scores, _ = pipe.model([one.predicted for one in examples], is_train=False)
    loss, found = pipe.get_loss(examples, scores)
    return loss, found.dataXd


def test_what_is_missing_in_an_annotation_teaches_nothing() -> None:
    nlp, _ = begun()
    every = example(nlp, "Ann went home", [], missing=[0, 1, 2])

    loss, found = slope(nlp, [every])

    assert loss == pytest.approx(0.0)
    assert found == pytest.approx(np.zeros_like(found), abs=1e-7)


def test_what_is_absent_teaches_that_there_is_nothing() -> None:
    nlp, _ = begun()

    loss, found = slope(nlp, [example(nlp, "Ann went home", [])])

    assert loss > 0
    assert (found[:, 0] < 0).all()  # the score of no name is to grow


def test_a_name_that_goes_on_beyond_its_stretch_is_left_out_and_breaks_nothing() -> None:
    text = "a b c d e f g h i Ann \n\n Miller went"
    nlp, _ = begun()

    loss, found = slope(nlp, [example(nlp, text, [(9, 12, "PERSON")])])

    assert np.isfinite(loss)
    assert np.isfinite(found).all()


def test_annotated_words_that_are_not_those_of_the_text_are_refused() -> None:
    nlp, _ = begun()
    doc = Doc(nlp.vocab, ["Ann", "went"])

    with pytest.raises(ValueError, match="words are not those of the text"):
        slope(nlp, [Example(nlp.make_doc("Ann went home"), doc)])


def test_a_label_is_added_once_and_not_when_it_is_too_late() -> None:
    nlp = spacy.blank("en")
    pipe = load_model_from_config(Config().from_str(CONFIG), auto_fill=True).get_pipe("ner")
    assert isinstance(pipe, Finder)

    assert pipe.add_label("PERSON") == 1
    assert pipe.add_label("PERSON") == 0
    pipe.initialize(lambda: [example(nlp, *TOLD[2])])
    with pytest.raises(ValueError, match="comes too late"):
        pipe.add_label("LOCATION")
