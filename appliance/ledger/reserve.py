"""What a request may cost at most, and what a refusal of it means."""

from appliance.domain.errors import BudgetSpent, GatewayError, PriceMissing, RateLimited
from appliance.domain.identity import Grant
from appliance.domain.ids import Seconds
from appliance.domain.model import Deployment
from appliance.domain.money import Price, cost
from appliance.domain.usage import Usage
from appliance.domain.view import View
from appliance.ports.counters import Hold, Refusal

WORDS = {
    "rpm": "requests a minute",
    "tpm": "tokens a minute",
    "parallel": "parallel requests",
    "budget": "micros of budget",
    "budget_tokens": "tokens of budget",
}


def price_of(to: Deployment, default: Price | None) -> Price:
    """Raises PriceMissing when neither the deployment nor the site says what it costs."""
    price = to.price or default
    if price is None:
        raise PriceMissing(
            f"deployment `{to.id}` has no price and the site declares no `default_price`; set one of them"
        )
    return price


def hold(grant: Grant, view: View, plan: list[Deployment], default: Price | None) -> Hold:
    """The upper bound that is set aside: all tokens the answer may have, at the dearest deployment of the plan.

    GPU seconds are not known before the request has run: they are paid at settlement, not reserved.
    """
    bound = Usage(prompt=view.prompt, completion=view.ceiling)
    limits = grant.limits
    return Hold(
        key=grant.principal.key.id,
        tokens=bound.total,
        cost=max([cost(price_of(to, default), bound, Seconds(0)) for to in plan]),
        rpm=limits.rpm,
        tpm=limits.tpm,
        parallel=limits.parallel,
        budget=limits.budget,
        budget_tokens=limits.budget_tokens,
        window=limits.window,
    )


def refusal(no: Refusal, who: str) -> GatewayError:
    """The error a client sees. A spent budget is not to be tried again; a rate is, later."""
    text = f"key `{who}`: {no.used} of {no.allowed} {WORDS[no.limit]} are in use"
    if no.limit in {"budget", "budget_tokens"}:
        when = "it does not renew by itself" if no.resets_in is None else f"it renews in {no.resets_in:.0f} s"
        return BudgetSpent(f"{text}; {when}", retry_after=no.resets_in)
    return RateLimited(f"{text}; try again in {no.resets_in or 1:.0f} s", retry_after=no.resets_in or 1.0)
