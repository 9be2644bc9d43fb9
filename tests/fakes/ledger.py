"""A ledger in a list."""

from appliance.domain.ledger import LedgerRow


class FakeLedgerWriter:
    def __init__(self) -> None:
        self.rows: list[LedgerRow] = []
        self.well = True

    @property
    def healthy(self) -> bool:
        return self.well

    def record(self, row: LedgerRow) -> None:
        self.rows.append(row)

    @property
    def row(self) -> LedgerRow:
        """The only row: none and two are both failures."""
        (row,) = self.rows
        return row
