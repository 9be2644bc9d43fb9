"""One text in, its findings out: Presidio, a model of rules, and recognisers of the test's own."""

from pathlib import Path

import pytest
from presidio_analyzer import Pattern, PatternRecognizer, RecognizerRegistry

from appliance.domain.privacy import Analysis, Code, Entity, Finding
from appliance.domain.privacy_entities import PATTERNED
from appliance.redaction.worker.engine import CannotAnalyse, Engine, Ours
from appliance.redaction.worker.model import Model, load
from appliance.redaction.worker.predefined import Gated, Slow
from tests.fakes.ner_model import GERMANS, write
from tests.fakes.recognisers import Word, ours

TYPES = (
    "CREDIT_CARD",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "LOCATION",
    "ORGANIZATION",
    "PERSON",
    "US_BANK_NUMBER",
)
ALL = Analysis(entities=tuple(Entity(name) for name in TYPES))


def changed(**changes: object) -> Analysis:
    return Analysis(**{**{name: getattr(ALL, name) for name in Analysis.__struct_fields__}, **changes})


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder: Path = tmp_path_factory.mktemp("model")
    digest = write(folder)
    return Engine([load(folder, digest)], ours)


def found(engine: Engine, text: str, analysis: Analysis = ALL) -> list[tuple[str, str]]:
    plan = engine.plan(analysis)
    with engine.zone():
        return [(one.entity, text[one.start : one.end]) for one in engine.find(plan, text)]


def test_the_model_presidio_and_ours_are_asked_for_what_is_wanted(engine: Engine) -> None:
    text = "Marlene and Tom Baker of Example Corp paid ten dollars in Paris from DE89370400440532013000 at 10.0.0.1."

    assert found(engine, text) == [
        ("PERSON", "Marlene"),
        ("PERSON", "Tom Baker"),
        ("ORGANIZATION", "Example Corp"),
        ("LOCATION", "Paris"),
        ("IBAN_CODE", "DE89370400440532013000"),
        ("IP_ADDRESS", "10.0.0.1"),
    ]
    assert found(engine, text, changed(entities=(Entity("LOCATION"),))) == [("LOCATION", "Paris")]


def test_the_model_is_not_asked_when_the_analysis_says_so(engine: Engine) -> None:
    assert found(engine, "Marlene met Tom Baker", changed(model=False)) == [("PERSON", "Marlene")]


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder: Path = tmp_path_factory.mktemp("german")
    return load(folder, write(folder, "de", GERMANS))


@pytest.fixture(scope="module")
def both(engine: Engine, german: Model) -> Engine:
    return Engine([*engine._models, german], ours)


PATTERNS_ALONE = [("PERSON", "Marlene"), ("IP_ADDRESS", "10.0.0.1")]


def test_languages_without_a_model_run_patterns_where_no_model_is_asked(engine: Engine) -> None:
    analysis = changed(languages=("fr",), model=False)

    assert found(engine, "Marlene voit Tom Baker chez 10.0.0.1", analysis) == PATTERNS_ALONE


def test_languages_without_a_model_run_patterns_where_no_name_is_wanted(engine: Engine) -> None:
    analysis = changed(languages=("fr",), entities=(Entity("IP_ADDRESS"),))

    assert found(engine, "Tom Baker chez 10.0.0.1", analysis) == [("IP_ADDRESS", "10.0.0.1")]


@pytest.mark.parametrize("languages", [("de",), ("en", "de"), ("fr",)])
def test_names_in_a_language_without_a_model_are_an_error(engine: Engine, languages: tuple[str, ...]) -> None:
    with pytest.raises(CannotAnalyse, match=r"PERSON in `(de|fr)`, and no language model .* in use, only `en`"):
        engine.plan(changed(languages=languages))


def test_english_names_are_an_error_where_only_a_german_model_is_in_use(german: Model) -> None:
    with pytest.raises(CannotAnalyse, match=r"in `en`, and no language model for it is in use, only `de`"):
        Engine([german], ours).plan(ALL)


NRP = Entity("NRP")


def test_a_name_that_the_model_has_no_label_for_is_an_error_that_says_what_to_allow(engine: Engine) -> None:
    with pytest.raises(CannotAnalyse, match=r"asks for NRP in `en`, .* \(rules-0.*\).* set NRP to `allow` in .* `en`"):
        engine.plan(changed(entities=(*ALL.entities, NRP)))


def test_each_language_of_a_policy_needs_a_model_with_all_labels(engine: Engine, tmp_path: Path) -> None:
    whole = load(tmp_path / "de", write(tmp_path / "de", "de", [*GERMANS, ("NORP", "Bayern")]))
    two = Engine([*engine._models, whole], ours)
    entities = (*ALL.entities, NRP)

    assert found(two, "Jürgen Klopfer", changed(entities=entities, languages=("de",))) == [GERMAN]
    with pytest.raises(CannotAnalyse, match="NRP in `en`"):
        two.plan(changed(entities=entities, languages=("de", "en")))


def test_a_name_that_is_only_counted_may_be_lacking(engine: Engine) -> None:
    analysis = changed(entities=(*ALL.entities, NRP), counted=(NRP,))

    assert found(engine, "Tom Baker", analysis) == [ENGLISH]


def test_a_name_without_a_label_is_no_error_where_no_model_is_asked(engine: Engine) -> None:
    assert found(engine, "Tom Baker", changed(entities=(*ALL.entities, NRP), model=False)) == []


def test_what_patterns_find_is_not_the_models_to_have(engine: Engine) -> None:
    engine.plan(changed(entities=tuple(map(Entity, sorted({*PATTERNED, "PERSON"})))))


def test_a_model_for_many_languages_is_asked_whatever_a_policy_names(tmp_path: Path) -> None:
    many = Engine([load(tmp_path, write(tmp_path, "xx"))], ours)

    assert found(many, "Tom Baker", changed(languages=("en", "fr"))) == [("PERSON", "Tom Baker")]


TWO = "Marlene: Jürgen Klopfer traf Tom Baker in Bad Beispiel, 10.0.0.1\n```\nTom Baker, Jürgen Klopfer\n```"
ENGLISH, GERMAN = ("PERSON", "Tom Baker"), ("PERSON", "Jürgen Klopfer")


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize(
    ("languages", "wanted"), [(("en",), {ENGLISH}), (("de",), {GERMAN}), (("de", "en"), {ENGLISH, GERMAN})]
)
def test_each_language_of_a_policy_has_its_own_model_asked(
    both: Engine, languages: tuple[str, ...], wanted: set[tuple[str, str]], code: Code
) -> None:
    said = found(both, TWO, changed(languages=languages, code=code))

    assert {one for one in said if one in {ENGLISH, GERMAN}} == wanted
    assert said.count(("IP_ADDRESS", "10.0.0.1")) == said.count(("PERSON", "Marlene")) == 1
    assert len([one for one in said if one in wanted]) == len(wanted) * (2 if code is Code.SCAN else 1)
    assert (("LOCATION", "Bad Beispiel") in said) == ("de" in languages)


def test_words_of_a_text_are_forgotten_by_every_model(both: Engine) -> None:
    analysis = changed(languages=("de", "en"))
    found(both, "warm up", analysis)
    before = [len(one.nlp.vocab.strings) for one in both._models]

    found(both, "Tom Baker sagt zyxqwv zu Jürgen Klopfer", analysis)

    assert [len(one.nlp.vocab.strings) for one in both._models] == before


@pytest.mark.parametrize("languages", [("xx",), ()])
def test_an_unknown_language_is_an_error(engine: Engine, languages: tuple[str, ...]) -> None:
    with pytest.raises(CannotAnalyse, match="no language"):
        engine.plan(changed(languages=languages))


def test_context_words_work_without_a_lemmatiser(engine: Engine) -> None:
    assert found(engine, "My Bank account number is 945456787654") == [("US_BANK_NUMBER", "945456787654")]
    assert found(engine, "The build number was 945456787654") == []


def test_a_check_digit_makes_a_finding_sure(engine: Engine) -> None:
    text = "card 4111 1111 1111 1111"
    plan = engine.plan(ALL)

    with engine.zone():
        assert engine.find(plan, text) == (Finding(5, 24, Entity("CREDIT_CARD"), 1.0, sure=True),)


FENCED = "Tom Baker\n```\nTom Baker 10.0.0.1\n```\nTom Baker"


@pytest.mark.parametrize(("code", "names", "addresses"), [(Code.SCAN, 3, 1), (Code.PATTERNS, 2, 1), (Code.SKIP, 2, 0)])
def test_fenced_code_is_looked_at_as_the_analysis_says(engine: Engine, code: Code, names: int, addresses: int) -> None:
    kinds = [kind for kind, _ in found(engine, FENCED, changed(code=code))]

    assert (kinds.count("PERSON"), kinds.count("IP_ADDRESS")) == (names, addresses)


def test_a_long_text_has_all_its_findings(engine: Engine) -> None:
    text = "Then Tom Baker went to 10.0.0.1 and said nothing of note, as ever; " * 400

    kinds = [kind for kind, _ in found(engine, text)]

    assert (kinds.count("PERSON"), kinds.count("IP_ADDRESS")) == (400, 400)


def test_words_of_a_text_are_forgotten(engine: Engine) -> None:
    strings = engine._nlp.vocab.strings
    found(engine, "warm up")
    before = len(strings)

    for number in range(50):
        found(engine, f"Tom Baker said zyx{number} and qwv{number}q to 10.0.0.{number}")

    assert len(strings) == before


def test_presidio_loads_nothing_where_ours_find_all(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(RecognizerRegistry, "load_predefined_recognizers", lambda *_, **__: loaded.append(1))

    assert found(Engine([], ours), "Marlene", changed(entities=(Entity("PERSON"),))) == [("PERSON", "Marlene")]
    assert loaded == []


def test_a_site_pattern_for_a_type_does_not_replace_presidios(engine: Engine) -> None:
    def with_denied(analysis: Analysis) -> Ours:
        return (Word("Hush", "IP_ADDRESS"),) if analysis.deny else ()

    theirs = Engine([], with_denied)
    analysis = changed(deny=((Entity("IP_ADDRESS"), "Hush"),))

    assert found(theirs, "Hush at 10.0.0.1", analysis) == [("IP_ADDRESS", "Hush"), ("IP_ADDRESS", "10.0.0.1")]


def test_a_pattern_the_policy_got_wrong_is_told(engine: Engine) -> None:
    def refusing(analysis: Analysis) -> Ours:
        raise ValueError("patterns[0]: no argument for repetition operator")

    with pytest.raises(CannotAnalyse, match=r"patterns\[0\]"):
        Engine([], refusing).plan(ALL)


def test_a_pattern_that_takes_too_long_raises_where_presidio_would_skip_it() -> None:
    slow = PatternRecognizer("PERSON", patterns=[Pattern("slow", r"(?:a|aa)+$", 0.5)])

    with pytest.raises(Slow, match="PatternRecognizer"):
        Gated(slow, "", 0.05).analyze("a" * 60 + "!", ["PERSON"])


def test_a_surname_is_found_again_where_the_model_alone_does_not_see_it(engine: Engine) -> None:
    assert found(engine, "Tom Baker called. I told Baker so.") == [("PERSON", "Tom Baker"), ("PERSON", "Baker")]
