"""Keys and models as an event remembers them: what was decided, never a digest, a pepper or a key."""

from appliance.config.desired import terms_of
from appliance.config.render import Plain, model_entry, price_entry, terms_entry
from appliance.domain.events import Event
from appliance.domain.identity import Key
from appliance.domain.model import Model
from appliance.domain.money import Price
from appliance.ports.clock import Clock


def key_record(key: Key) -> Plain:
    """Terms and state of a key."""
    moments = {"created_at": key.created_at, "revoked_at": key.revoked_at}
    return {
        **terms_entry(terms_of(key)),
        "hint": key.hint,
        "blocked": key.blocked,
        **{name: at.isoformat() for name, at in moments.items() if at is not None},
        **({"successor": str(key.successor)} if key.successor else {}),
    }


def model_record(model: Model) -> Plain:
    return model_entry(model)


def price_record(price: Price | None) -> Plain:
    return {"default_price": None if price is None else price_entry(price)}


class Scribe:
    """Writes events of one actor: `cli:<os user>`, a key's id, or `system`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def event(
        self, actor: str, action: str, subject: str, before: Plain | None, after: Plain | None, detail: str = ""
    ) -> Event:
        return Event(
            at=self._clock.now(),
            actor=actor,
            action=action,
            subject=subject,
            before=before,
            after=after,
            detail=detail,
        )
