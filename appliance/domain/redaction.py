"""What is remembered of how one request was treated: counts, never a value nor anything made of one."""

from appliance.domain.errors import Unable
from appliance.domain.ledger import Treated
from appliance.domain.privacy import Direction


class Treatment:
    """Filled in while a request is served; read once, when it is settled."""

    __slots__ = ("analyser", "counts", "emitted", "failure", "passed", "policy", "restored", "seconds")

    def __init__(self, policy: str) -> None:
        self.policy = policy  # its id
        self.analyser: str | None = None  # name and hash of the NER model that was asked
        self.counts: dict[tuple[str, str, Direction], int] = {}  # entity, action, way
        self.emitted = 0  # placeholders put out
        self.restored = 0  # of those, put back in the answer
        self.seconds = 0.0  # waited for the analyser
        self.failure: Unable | None = None  # why a text could not be analysed
        self.passed = False  # and the policy let it pass

    def __repr__(self) -> str:
        return f"Treatment({self.policy})"

    def add(self, entity: str, action: str, way: Direction, count: int = 1) -> None:
        key = (entity, action, way)
        self.counts[key] = self.counts.get(key, 0) + count

    def treated(self) -> tuple[Treated, ...]:
        """In order of entity, action and way."""
        return tuple(
            Treated(entity, action, count, way) for (entity, action, way), count in sorted(self.counts.items())
        )
