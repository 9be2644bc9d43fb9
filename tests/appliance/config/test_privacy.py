"""What the file says of privacy: names, entities and patterns that are wrong are told with line and nearest word."""

from pathlib import Path

import pytest

from appliance.config.load import check, load
from appliance.domain.privacy import Action, Direction, Entity
from appliance.domain.privacy_policy import Rule
from appliance.redaction.policy.resolve import Policies


def said(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    return [str(problem).removeprefix(f"{file}:") for problem in check(file)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "privacy:\n  policy: standart",
            "2: privacy.policy: no privacy policy is named `standart`; did you mean `standard`?",
        ),
        (
            "privacy:\n  policies:\n    - name: own\n      rules:\n        - {entity: PERSONS}",
            "5: privacy.policies[0].rules[0].entity: nothing is found that is called `PERSONS`; did you mean `PERSON`?",
        ),
        (
            "privacy:\n  policies:\n    - name: own\n      patterns:\n        - {entity: X, pattern: 'a(?=b)'}",
            "5: privacy.policies[0].patterns[0].pattern: holds a look ahead, which RE2 has not",
        ),
        ("privacy:\n  policies:\n    - name: strict", "3: privacy.policies[0].name: `strict` is there already;"),
        (
            "keys:\n  - name: k\n    privacy: ow\nprivacy: {policies: [{name: own}]}",
            "3: keys[0].privacy: no privacy policy is named `ow`; did you mean `own`?",
        ),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told_with_its_line_and_the_nearest_one(tmp_path: Path, text: str, problem: str) -> None:
    [told] = said(tmp_path, text)

    assert told.startswith(problem)


def test_a_policy_of_ones_own_is_read_with_all_its_words(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        "privacy: {policy: own, policies: [{name: own, based_on: 'off', model: false,"
        " rules: [{entity: PERSON, action: redact, direction: both}], deny: [{entity: PROJECT, texts: [Bluebird]}]}]}"
    )
    privacy = load(file).privacy

    policy = Policies(privacy.terms, privacy.policy).in_force(key=None, route=None).policy

    assert policy.rules == (
        (Entity("PERSON"), Rule(action=Action.REDACT, direction=Direction.BOTH)),
        (Entity("PROJECT"), Rule()),
    )
    assert policy.deny == ((Entity("PROJECT"), "Bluebird"),)
