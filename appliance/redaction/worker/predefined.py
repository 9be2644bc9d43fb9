"""Presidio's own recognisers: which are used, behind which gate, and run so that a time-out raises.

A gate is a cheap necessary condition: where it does not match, the recogniser cannot either (a property test).
"""

from collections.abc import Iterable
from typing import Any, Final

import re2
import regex
from presidio_analyzer import EntityRecognizer, LocalRecognizer, PatternRecognizer, RecognizerResult
from presidio_analyzer import predefined_recognizers as presidio

NOT_USED: Final = frozenset({
    "EmailRecognizer",  # asks a public-suffix list, drops addresses of internal domains
    "UrlRecognizer",  # quadratic
    "PhoneRecognizer",  # eight passes
    "ZaPhoneNumberRecognizer",
})  # fmt: skip
GATES: Final = {  # name -> RE2; others: a decimal digit, which all of their patterns hold
    "IpRecognizer": r"::|[0-9A-Fa-f]:[0-9A-Fa-f:]|\p{Nd}\.\p{Nd}",
    "MacAddressRecognizer": r"[0-9A-Fa-f]{2}[:-]|[0-9A-Fa-f]{4}\.",
    "UuidRecognizer": r"[0-9A-Fa-f]{8}-",
    "CryptoRecognizer": r"(?i)bc1|[13][a-z0-9]{8}",
    "IbanRecognizer": r"[A-Z]{2}\p{Nd}{2}|[A-Z]{2}[0-9]{2}",
    "CreditCardRecognizer": r"(?:\p{Nd}[- ]?){10}",
    "UsSsnRecognizer": r"\p{Nd}{3}[- .]?\p{Nd}{2}[- .]?\p{Nd}",
    "UsItinRecognizer": r"9\p{Nd}{2}",
    "UsBankRecognizer": r"\p{Nd}{8}",
    "UsPassportRecognizer": r"\p{Nd}{8}",
    "NhsRecognizer": r"\p{Nd}{3}[- ]?\p{Nd}{3}",
    "ItFiscalCodeRecognizer": "",  # letters may stand for all of its digits
    "ItDriverLicenseRecognizer": "",
    "ItIdentityCardRecognizer": "",
    "UsProviderTaxIdRecognizer": "",
    "UsHealthInsuranceMemberIdRecognizer": "",
    "UsClaimNumberRecognizer": "",
    "UsPriorAuthorizationNumberRecognizer": "",
    "UsPrescriptionNumberRecognizer": "",
    "UsReferralNumberRecognizer": "",
    "UkVehicleRegistrationRecognizer": "",
    "ZaLicensePlateRecognizer": "",
    "TrLicensePlateRecognizer": "",
    "NgVehicleRegistrationRecognizer": "",
    "InVehicleRegistrationRecognizer": "",
    "MedicalLicenseRecognizer": r"\p{Nd}{7}",
}
_DIGIT: Final = r"\p{Nd}"
SURE: Final = "sure"
"""In a result's metadata: its check digit is right."""


class Slow(TimeoutError):
    """A pattern ran out of its time. Presidio would go on without it; this text then counts as not analysed."""


def available() -> dict[str, type[PatternRecognizer]]:
    """Name -> class of every recogniser that needs no model and no network."""
    there = {name: getattr(presidio, name) for name in dir(presidio)}
    return {
        name: one
        for name, one in there.items()
        if isinstance(one, type)
        and issubclass(one, PatternRecognizer)
        and one is not PatternRecognizer
        and name not in NOT_USED
    }


def gate(name: str) -> str:
    """RE2; empty: none."""
    return GATES.get(name, _DIGIT)


def recognisers(entities: Iterable[str], seconds: float) -> list["Gated"]:
    """Those that find one of `entities`, whatever the language: a policy that names an identifier wants it found."""
    wanted = set(entities)
    made = [(name, one()) for name, one in available().items()]
    return [Gated(one, gate(name), seconds) for name, one in made if wanted & set(one.supported_entities)]


def _quiet() -> Any:
    """RE2 would write to stderr where it needs more memory for one state machine than it may have."""
    options = re2.Options()
    options.log_errors = False
    return options


class Gated(LocalRecognizer):
    """A recogniser behind its gate."""

    def __init__(self, inner: PatternRecognizer, gate: str, seconds: float) -> None:
        """`seconds`: for each of its patterns over one text."""
        self._inner, self._seconds = inner, seconds
        self._gate = re2.compile(gate, _quiet()) if gate else None
        self._own = type(inner).analyze is not PatternRecognizer.analyze
        flags = inner.global_regex_flags
        self._patterns = [(regex.compile(one.regex, flags), one.score) for one in inner.patterns]
        super().__init__(inner.supported_entities, name=inner.name, context=inner.context)

    def load(self) -> None:
        """Compiled when made."""

    def open(self, text: str) -> bool:
        return self._gate is None or self._gate.search(text) is not None

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """Raises Slow."""
        if not self.open(text):
            return []
        if self._own:
            return [
                self._result(one.start, one.end, one.score, sure=one.score >= 1.0)
                for one in self._whole(text, entities)
            ]
        results: list[RecognizerResult] = []
        for pattern, score in self._patterns:
            try:
                spans = [match.span() for match in pattern.finditer(text, timeout=self._seconds)]
            except TimeoutError:
                raise Slow(f"a pattern of `{self.name}` took too long") from None
            results += [one for start, end in spans if (one := self._judged(text[start:end], start, end, score))]
        return results

    def _whole(self, text: str, entities: list[str]) -> list[RecognizerResult]:
        return list(self._inner.analyze(text, entities))

    def _judged(self, value: str, start: int, end: int, score: float) -> RecognizerResult | None:
        if not value:
            return None
        valid = self._inner.validate_result(value)
        if valid is False or self._inner.invalidate_result(value):
            return None
        return self._result(start, end, EntityRecognizer.MAX_SCORE if valid else score, sure=bool(valid))

    def _result(self, start: int, end: int, score: float, *, sure: bool) -> RecognizerResult:
        told = {
            RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            SURE: sure,
        }
        return RecognizerResult(self.supported_entities[0], start, end, score, recognition_metadata=told)
