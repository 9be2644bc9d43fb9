"""How good the model that finds names is inside stock Presidio, and what it costs. Run by hand; nothing here trains.

    python -m tests.bench.pii_model MODEL

MODEL is the folder `en_NAME-VERSION` of an unpacked wheel. Needs spaCy, presidio-analyzer and Faker.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

from offline.models.manifest import HOME
from offline.models.names import read_lists
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
    model = asked.parse_args().model
    presidio, nlp = engine(model), spacy.load(model)
    find, text = finder(presidio), (CHAT * 3)[:1024]
    alone, whole = milliseconds(nlp, text), milliseconds(find, text)
    print(f"CPU for 1 KB of chat: model {alone:.1f} ms, in stock Presidio {whole:.1f} ms")
    own = [(one.text, list(one.spans)) for one in held_out(HOME, read_lists(HOME), 8, 2026)]
    print("own held-out templates:", {name: round(value, 3) for name, value in leak(own, find).items()})


if __name__ == "__main__":
    main()
