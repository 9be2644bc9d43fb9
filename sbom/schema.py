"""Whether a CycloneDX document is valid, in the strict mode of cyclonedx-python-lib, which carries the schemas."""

from functools import cache

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def problem(text: str, version: str) -> str:
    """What the schema of that version has against a document; empty when it is valid."""
    try:
        known = SchemaVersion.from_version(version)
    except KeyError:
        return f"CycloneDX {version} is not known"
    found = _validator(known).validate_str(text)
    return "" if found is None else str(found)


@cache
def _validator(version: SchemaVersion) -> JsonStrictValidator:
    """Reading the schemas takes a third of a second; once is enough."""
    return JsonStrictValidator(version)
