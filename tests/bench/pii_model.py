"""How good the model that finds names is, alone, in stock Presidio and in ours, and what it costs. Run by hand.

    TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS= python -m tests.bench.pii_model MODEL [--part validation]

MODEL is the folder `en_NAME-VERSION` of an unpacked wheel. Needs spaCy, presidio-analyzer and Faker. The variable
keeps stock Presidio off the network. Nothing is trained.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerResult
from presidio_analyzer.nlp_engine import NlpEngineProvider

from appliance.domain.privacy import Analysis, Entity, Finding
from appliance.domain.privacy_entities import ENTITIES
from appliance.redaction.labels import LABELS
from appliance.redaction.recognisers.ours import ours
from appliance.redaction.resolve import resolve
from appliance.redaction.worker.again import again
from appliance.redaction.worker.engine import Engine
from appliance.redaction.worker.model import Model
from offline.models.corpora import documents, read
from offline.models.fit import CHOSEN_BY
from offline.models.manifest import HOME, read_data
from offline.models.names import read_lists
from offline.models.score import Tally, counted
from offline.models.synthetic import LABELS as TOLD
from offline.models.synthetic import held_out

THRESHOLD = 0.4  # Presidio's own
Span = tuple[int, int, str]
Find = Callable[[str], list[Span]]
CHAT = (
    "Hi Anna, could you please check with Mr. Keller from Siemens whether the delivery to our office in Hamburg comes "
    "on Monday? I talked to the people in the warehouse yesterday and they said that the truck was still somewhere "
    "near Hanover. If it does not come, we will have to tell the customer that we are late again, which would be "
    "rather embarrassing after last month. Thanks a lot for your help, and please let me know what they say. "
)


def engine(model: Path) -> AnalyzerEngine:
    """Presidio as it comes, with our model in place of its own; organisations are not ignored."""
    labels = {one: one for one in ("PERSON", "LOCATION", "ORGANIZATION", "NRP", "DATE_TIME")} | {"ADDRESS": "LOCATION"}
    told = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": "en", "model_name": str(model)}],
        "ner_model_configuration": {"model_to_presidio_entity_mapping": labels, "labels_to_ignore": []},
    }
    return AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=told).create_engine())


class Ours(AnalyzerEngine):  # type: ignore[misc]  # untyped here
    """The worker's engine, asked for every entity of ours, in the shape of Presidio's."""

    def __init__(self, model: Path) -> None:
        self._engine = Engine([Model(spacy.load(model, exclude=["lemmatizer"]), "")], ours)
        self._plan = self._engine.plan(Analysis(entities=tuple(map(Entity, ENTITIES))))

    def get_supported_entities(self, *_: Any, **__: Any) -> list[str]:
        return list(ENTITIES)

    def analyze(self, text: str, *_: Any, **__: Any) -> list[RecognizerResult]:
        with self._engine.zone():
            found = self._engine.find(self._plan, text)
        return [RecognizerResult(str(one.entity), one.start, one.end, one.score) for one in found]


def names(model: Path) -> Find:
    """The model alone, with the surnames that our engine finds again."""
    nlp = spacy.load(model, exclude=["lemmatizer"])
    wanted = Analysis(entities=tuple(map(Entity, sorted(nlp.get_pipe("ner").labels))))

    def find(text: str) -> list[Span]:
        claims = [Finding(one.start_char, one.end_char, Entity(one.label_), 0.85, sure=False) for one in nlp(text).ents]
        found = resolve([*claims, *again(text, claims)], text, wanted)
        return [(one.start, one.end, str(one.entity)) for one in found]

    return find


def real(find: Find, part: str) -> dict[str, Tally]:
    """Strict spans on real text, whole documents at a time. An address counts as a place."""
    tallies = {"together": Tally()}
    for corpus in read_data().corpora:
        if corpus.name in CHOSEN_BY:
            tallies[corpus.name] = Tally()
            for line in documents(read(corpus, part)):
                found = counted(line, find(line.text))
                for tally in (tallies["together"], tallies[corpus.name]):
                    tally.add(counted(line, line.spans), found)
    return tallies


def finder(presidio: AnalyzerEngine) -> Find:
    def find(text: str) -> list[Span]:
        found = presidio.analyze(text, language="en", score_threshold=THRESHOLD)
        return [(one.start, one.end, one.entity_type) for one in found]

    return find


def leak(cases: Iterable[tuple[str, list[Span]]], find: Find) -> dict[str, float]:
    """Blind to types: the share of personal characters that is covered, of others, and of spans covered whole."""
    count: Counter[str] = Counter()
    for text, gold in cases:
        masked = {at for start, end, _ in find(text) for at in range(start, end)}
        personal = {at for start, end, _ in gold for at in range(start, end)}
        count["personal"] += len(personal)
        count["covered"] += len(personal & masked)
        count["other"] += len(text) - len(personal)
        count["over"] += len(masked - personal)
        for start, end, _ in gold:
            count["spans"] += 1
            count["whole"] += masked.issuperset(range(start, end))
    return {
        "character recall": count["covered"] / count["personal"],
        "over-masked": count["over"] / count["other"],
        "spans covered whole": count["whole"] / count["spans"],
    }


def labelled(find: Find) -> Find:
    """Only what our own templates annotate: e-mail and the like are in them, and carry no label."""
    told = {LABELS[label] for label in TOLD}
    return lambda text: [one for one in find(text) if one[2] in told]


def milliseconds(work: Callable[[str], object], text: str, times: int = 100) -> float:
    """CPU of one call, after a warm-up."""
    for _ in range(10):
        work(text)
    before = time.process_time()
    for _ in range(times):
        work(text)
    return (time.process_time() - before) / times * 1000


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("model", type=Path)
    asked.add_argument("--part", help="also the strict F1 on this part of the real corpora: dev, validation or train")
    given = asked.parse_args()
    model = given.model
    presidio, nlp = engine(model), spacy.load(model)
    find, text = finder(presidio), (CHAT * 3)[:1024]
    alone, whole = milliseconds(nlp, text), milliseconds(find, text)
    print(f"CPU for 1 KB of chat: model {alone:.1f} ms, in stock Presidio {whole:.1f} ms")
    mine = finder(Ours(model))
    print(f"in our engine {milliseconds(mine, text):.1f} ms")
    own = [(one.text, list(one.spans)) for one in held_out(HOME, read_lists(HOME), 8, 2026)]
    for name, finds in (("ours", mine), ("stock Presidio", find)):
        print(
            f"own held-out templates, {name}:",
            {key: round(value, 3) for key, value in leak(own, labelled(finds)).items()},
        )
    for name, tally in real(names(model), given.part).items() if given.part else ():
        print(name, {label: round(tally.f1(label), 3) for label in sorted(tally.there)})


if __name__ == "__main__":
    main()
