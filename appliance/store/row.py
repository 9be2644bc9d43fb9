"""Ledger rows as tuples in the order of the table's columns, and back."""

import math
from typing import Any

import msgspec

from appliance.domain.ids import Micros
from appliance.domain.ledger import LedgerRow, Status, Treated
from appliance.domain.usage import Usage
from appliance.store.moments import micros, moment

Stored = tuple[Any, ...]
"""One value for each column of `rows` after `id`."""

_encode = msgspec.json.Encoder().encode
_treated = msgspec.json.Decoder(tuple[Treated, ...]).decode

LARGEST = 2**53  # far from overflowing the sums of a roll-up


def stored(row: LedgerRow) -> Stored:
    usage = row.usage
    return (
        micros(row.at),
        row.request_id,
        row.key_id,
        row.workspace,
        row.team,
        row.kind,
        row.model,
        row.deployment,
        row.provider,
        row.attempts,
        row.streamed,
        row.status.value,
        row.http_status,
        row.error,
        usage.prompt,
        usage.completion,
        usage.cached,
        usage.reasoning,
        usage.estimated,
        row.cost,
        row.unpriced,
        row.first_token_ms,
        row.total_ms,
        row.overhead_ms,
        row.policy,
        row.analyser,
        _encode(row.treated).decode() if row.treated else None,
    )


def mended(row: LedgerRow) -> LedgerRow:
    """The same row with values a database can hold: lone surrogates, NaN and absurd numbers are replaced.

    One such row must never keep the others from being written.
    """
    values: dict[str, Any] = {name: _mended(getattr(row, name)) for name in row.__struct_fields__}
    usage = {name: _mended(getattr(row.usage, name)) for name in row.usage.__struct_fields__}
    return LedgerRow(**{**values, "usage": Usage(**usage)})


def _mended(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        plain = value.encode("utf-8", "replace").decode()
        return Status(plain) if isinstance(value, Status) else plain
    if isinstance(value, int):
        return max(-LARGEST, min(LARGEST, value))
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    return value


def loaded(row: Any) -> LedgerRow:
    """From a result row with the table's column names."""
    return LedgerRow(
        at=moment(row.at),
        request_id=row.request_id,
        key_id=row.key_id,
        workspace=row.workspace,
        team=row.team,
        kind=row.kind,
        model=row.model,
        deployment=row.deployment,
        provider=row.provider,
        attempts=row.attempts,
        streamed=row.streamed,
        status=Status(row.status),
        http_status=row.http_status,
        error=row.error,
        usage=Usage(row.prompt, row.completion, row.cached, row.reasoning, row.estimated),
        cost=Micros(row.cost),
        unpriced=row.unpriced,
        first_token_ms=row.first_token_ms,
        total_ms=row.total_ms,
        overhead_ms=row.overhead_ms,
        policy=row.policy,
        analyser=row.analyser,
        treated=_treated(row.treated) if row.treated else (),
    )
