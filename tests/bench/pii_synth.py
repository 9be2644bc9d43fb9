"""What the gateway finds on presidio-research's public set, by its own evaluator. For one look at the end.

    python -m tests.bench.pii_synth MODEL synth_dataset_v2.json

MODEL is the folder `en_NAME-VERSION` of an unpacked wheel. The set is never learned from and never used to choose. It
lies in the source distribution of presidio-evaluator, which has to be importable; pandas, plotly and scikit-learn too.
Beside our engine, stock Presidio reads with the same model.
"""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_evaluator import InputSample
from presidio_evaluator.entity_mapping import CanonicalMapper
from presidio_evaluator.evaluation import SpanEvaluator
from presidio_evaluator.models import PresidioAnalyzerWrapper

from tests.bench.pii_model import THRESHOLD, Ours, engine, finder, leak

BETA, IOU = 2.0, 0.9  # what the published figures were measured with


def span_f2(presidio: AnalyzerEngine, file: Path) -> dict[str, Any]:
    """Its tokeniser is told to be a blank one: it would download a model."""
    importlib.import_module("presidio_evaluator.span_to_tag").loaded_spacy["en_core_web_sm"] = spacy.blank("en")
    dataset = InputSample.read_dataset_json(file)
    results = PresidioAnalyzerWrapper(presidio, score_threshold=THRESHOLD).predict_dataset(dataset)
    mapper = CanonicalMapper()
    mapper.analyze(results)
    mapped = mapper.get_mapped_results_dataframe().branch
    score = SpanEvaluator(iou_threshold=IOU).calculate_score_on_df(mapped, beta=BETA)
    per_type = {name: round(one.f_beta, 3) for name, one in score.per_type.items() if one.num_annotated}
    return {"P": score.pii_precision, "R": score.pii_recall, "F2": score.pii_f, "per type": per_type}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("model", type=Path)
    asked.add_argument("data", type=Path)
    given = asked.parse_args()
    cases = [
        (one["full_text"], [(s["start_position"], s["end_position"], s["entity_type"]) for s in one["spans"]])
        for one in json.loads(given.data.read_text(encoding="utf-8"))
    ]
    for name, presidio in (("ours", Ours(given.model)), ("stock Presidio", engine(given.model))):
        print(name, span_f2(presidio, given.data))
        print(name, {key: round(value, 3) for key, value in leak(cases, finder(presidio)).items()})


if __name__ == "__main__":
    main()
