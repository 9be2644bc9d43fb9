"""Runs in an environment of an installed site, which knows no tests: imports all of some packages, and finds a card.

PYTHON -I -B imports.py FOLDER [PACKAGE …]      FOLDER: where a model may be written; `-`: nothing is analysed
"""

import importlib
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

RUN_ONLY = "__main__"  # modules that do something when they are imported
TRAINING = "offline.models"  # on the connected side only


def import_all(package: str) -> list[str]:
    """The names of the modules that could not be imported, each with the reason."""
    found = importlib.import_module(package)
    failed: list[str] = []
    for one in pkgutil.walk_packages(found.__path__, f"{package}.", onerror=failed.append):
        if one.name.endswith(RUN_ONLY) or one.name.startswith(TRAINING):
            continue
        try:
            importlib.import_module(one.name)
        except ImportError as error:
            failed.append(f"{one.name}: {error}")
    return failed


def analyse(folder: Path) -> set[str]:
    """What Presidio finds with a pipeline of spaCy that knows nothing yet: every library on the way is used."""
    spacy, engines, analysers = map(
        importlib.import_module, ("spacy", "presidio_analyzer.nlp_engine", "presidio_analyzer")
    )
    nlp: Any = spacy.blank("en")
    nlp.add_pipe("ner").add_label("PERSON")
    nlp.initialize()
    nlp.to_disk(folder)
    told = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": str(folder)}]}
    engine = engines.NlpEngineProvider(nlp_configuration=told).create_engine()
    analyser = analysers.AnalyzerEngine(nlp_engine=engine)
    text = "mail ann@example.org, call +49 30 901820 or pay by 4111 1111 1111 1111"
    return {one.entity_type for one in analyser.analyze(text, language="en")}


def main(folder: str, *packages: str) -> None:
    os.environ["TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS"] = ""  # read at import, by what asks two hosts for a list otherwise
    failed = [one for package in packages for one in import_all(package)]
    failed += [f"there is `{name}`" for name in ("setuptools", "pip", "pkg_resources") if name in sys.modules]
    if folder != "-":
        for name in ("thinc.api", "presidio_anonymizer", "re2", "phonenumbers"):
            importlib.import_module(name)
        if lacking := {"EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD"} - analyse(Path(folder)):
            failed.append(f"not found: {sorted(lacking)}")
    sys.exit("\n".join(failed) or 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
