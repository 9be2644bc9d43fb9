"""How good the model that finds names is inside stock Presidio, and what it costs. Run by hand; nothing here trains.

    python tests/bench/pii_model.py MODEL [--synth synth_dataset_v2.json]

MODEL is the folder `en_NAME-VERSION` of an unpacked wheel. Needs spaCy, presidio-analyzer and Faker; `--synth` needs
presidio-evaluator too, whose source distribution on the index holds the file. That set is for one look at the end.
"""

import argparse
import importlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

from offline.models.manifest import HOME
from offline.models.names import read_lists
from offline.models.synthetic import held_out

THRESHOLD, BETA, IOU = 0.4, 2.0, 0.9
Span = tuple[int, int, str]
Find = Callable[[str], list[Span]]
CHAT = (
    "Hi Anna, could you please check with Mr. Keller from Siemens whether the delivery to our office in Hamburg arrives "
    "on Monday? I talked to the people in the warehouse yesterday and they said that the truck was still somewhere near "
    "Hanover. If it does not come, we will have to tell the customer that we are late again, which would be rather "
    "embarrassing after last month. Thanks a lot for your help, and please let me know what they say. "
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
    """Blind to types: how many personal characters are covered, how many others are, how many spans are covered whole."""
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


def span_f2(presidio: AnalyzerEngine, file: Path) -> dict[str, Any]:
    """presidio-research's own SpanEvaluator. Its tokeniser is told to be a blank one: it would download a model."""
    import pandas as pd  # noqa: F401 -- what the evaluator needs and does not say
    from presidio_evaluator import InputSample
    from presidio_evaluator.entity_mapping import CanonicalMapper
    from presidio_evaluator.evaluation import SpanEvaluator
    from presidio_evaluator.models import PresidioAnalyzerWrapper

    tokenizers = importlib.import_module("presidio_evaluator.span_to_tag")
    tokenizers.loaded_spacy["en_core_web_sm"] = spacy.blank("en")
    dataset = InputSample.read_dataset_json(file)
    results = PresidioAnalyzerWrapper(presidio, score_threshold=THRESHOLD).predict_dataset(dataset)
    mapper = CanonicalMapper()
    mapper.analyze(results)
    mapped = mapper.get_mapped_results_dataframe().branch  # kinds of entity, as published notebooks compare them
    score = SpanEvaluator(iou_threshold=IOU).calculate_score_on_df(mapped, beta=BETA)
    per_type = {name: round(one.f_beta, 3) for name, one in score.per_type.items() if one.num_annotated}
    return {"P": score.pii_precision, "R": score.pii_recall, "F2": score.pii_f, "per type": per_type}


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
    asked.add_argument("--synth", type=Path)
    given = asked.parse_args()
    presidio, nlp = engine(given.model), spacy.load(given.model)
    find, text = finder(presidio), (CHAT * 3)[:1024]
    print(
        f"CPU for 1 KB of chat: model {milliseconds(nlp, text):.1f} ms, with stock Presidio {milliseconds(find, text):.1f} ms"
    )
    own = [(one.text, list(one.spans)) for one in held_out(HOME, read_lists(HOME), 8, 2026)]
    print("own held-out templates:", {name: round(value, 3) for name, value in leak(own, find).items()})
    if given.synth is not None:
        print("synth_dataset_v2:", span_f2(presidio, given.synth))
        rows = json.loads(given.synth.read_text(encoding="utf-8"))
        cases = [
            (one["full_text"], [(s["start_position"], s["end_position"], s["entity_type"]) for s in one["spans"]])
            for one in rows
        ]
        print("synth_dataset_v2:", {name: round(value, 3) for name, value in leak(cases, find).items()})


if __name__ == "__main__":
    main()
