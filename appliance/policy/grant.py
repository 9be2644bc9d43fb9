"""Caller and request in, grant out, or the refusal that says why."""

from collections.abc import Container

from appliance.domain.errors import FieldNotAllowed, ModelNotAllowed, ModelUnknown
from appliance.domain.identity import Grant, Principal
from appliance.domain.upstream import Body
from appliance.domain.view import View
from appliance.policy.rules import GUARDED, NEVER, USUAL


def grant(who: Principal, view: View, body: Body, models: Container[str]) -> Grant:
    """What `who` may do with this request. `models`: names the site serves.

    Raises ModelNotAllowed, ModelUnknown (only to a key that may use every model: to others a name that exists and
    one that does not look the same), FieldNotAllowed.
    """
    key = who.key
    if not key.allows(view.model):
        allowed = ", ".join(f"`{name}`" for name in sorted(key.models)) or "none"
        raise ModelNotAllowed(f"key `{key.hint}` may not use `{view.model}`; allowed here: {allowed}", param="model")
    if view.model not in models:
        raise ModelUnknown(f"no model `{view.model}` here; `GET /v1/models` lists what this key may use", param="model")
    refuse_fields(body, key.fields)
    return Grant(principal=who, model=view.model, limits=key.limits)


def refuse_fields(body: Body, allowed: tuple[str, ...]) -> None:
    """Raises FieldNotAllowed for the first field that this key may not send."""
    if body.keys() <= USUAL:
        return
    # Folded: a server that matches names without regard to case would read `Priority` as `priority`.
    sent = {name.casefold(): name for name in body}
    for field in sorted(NEVER & sent.keys()):
        raise FieldNotAllowed(
            f"`{sent[field][:64]}` is never taken from a client; leave it out", param=sent[field][:64]
        )
    for field in sorted(GUARDED & sent.keys()):
        if sent[field] not in allowed:
            name = sent[field][:64]
            raise FieldNotAllowed(f"this key may not send `{name}`; leave it out or ask your operator", param=name)
