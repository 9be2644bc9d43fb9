"""A policy tried on a text by a worker of its own, beside the gateway. Nothing is written anywhere."""

import secrets
from statistics import median
from time import perf_counter

import msgspec

from appliance.config.privacy import Privacy as PrivacySettings
from appliance.config.secrets import MASTER_KEY_BYTES, MasterKey
from appliance.domain.errors import ConfigError, ContentBlocked, RedactionUnavailable, Unable
from appliance.domain.model import Finding as Card
from appliance.domain.privacy_policy import Policy
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Kind
from appliance.pipeline.analysts import command
from appliance.redaction.placeholders import Keys
from appliance.redaction.policy.resolve import in_force
from appliance.redaction.pool import PooledAnalyser, PoolSettings, environment
from appliance.redaction.redactor import Redactor

PATIENCE = 60.0  # seconds; whoever tries something waits
TEXTS = 20


class Place(msgspec.Struct, frozen=True):
    """One finding, with the words it is about: whoever tries a text has it before them."""

    start: int
    end: int
    entity: str
    score: float
    action: str
    text: str


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    policy: str
    model: str
    found: list[Place]
    sent: str | None  # None: it was refused
    refused: str = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    policy: str
    model: str
    texts: int
    start_seconds: float
    new_ms: float
    known_ms: float


def keys_of(master: MasterKey) -> Keys:
    """What keyed actions need. They outlive a restart, as pseudonyms must."""
    return Keys(
        pseudonym=master.derive("privacy pseudonym"),
        hash_key=master.derive("privacy hash"),
        encrypt=lambda plain, about: master.seal(plain, f"privacy {about.decode()}"),
    )


def one_worker(settings: PrivacySettings) -> PooledAnalyser:
    pool = PoolSettings(workers=1, deadline_s=PATIENCE, wait_s=PATIENCE)
    return PooledAnalyser(pool, command(settings), environment())


async def tried(settings: PrivacySettings, policy: Policy, text: str) -> Tried:
    """Raises RedactionUnavailable when no worker could look at it."""
    policy = msgspec.structs.replace(policy, deadline=PATIENCE)
    rules = in_force(policy)
    if not policy.active:
        return Tried(policy=policy.id, model="", found=[], sent=text)
    async with one_worker(settings) as analyser:
        found = await analyser.find(rules.way_in, [text]) if rules.way_in is not None else [()]
        actions = {entity: rule.action.value for entity, rule in policy.rules}
        places = [
            Place(one.start, one.end, one.entity, one.score, actions[one.entity], text[one.start : one.end])
            for one in found[0]
        ]
        redactor = Redactor(analyser, keys_of(MasterKey(secrets.token_bytes(MASTER_KEY_BYTES))))
        sent, refused = None, ""
        try:
            told = Treatment(policy.id)
            covered = await redactor.request(Kind.COMPLETION, {"prompt": text}, rules, told)
            sent = str(covered.body["prompt"])
        except ContentBlocked as error:
            refused = f"refused: {error.message}"
        return Tried(policy=policy.id, model=analyser.model, found=places, sent=sent, refused=refused)


async def measure(settings: PrivacySettings, policy: Policy, sample: str, kilobytes: int) -> Measured:
    """Raises RedactionUnavailable when no worker could look at it."""
    way_in = in_force(policy).way_in
    if way_in is None:
        raise RedactionUnavailable(
            f"policy `{policy.name}` looks for nothing in texts, so there is nothing to measure", why=Unable.POLICY
        )
    whole = sample * (kilobytes * 1024 // len(sample) + 1)
    texts = [f"{number}. {whole}"[: kilobytes * 1024] for number in range(TEXTS)]
    async with one_worker(settings) as analyser:
        began = perf_counter()
        await analyser.find(way_in, ["to begin with"])
        ready = perf_counter() - began
        new: list[float] = []
        known: list[float] = []
        for took in (new, known):
            for text in texts:
                began = perf_counter()
                await analyser.find(way_in, [text])
                took.append((perf_counter() - began) * 1000)
        return Measured(
            policy=policy.id,
            model=analyser.model,
            texts=TEXTS,
            start_seconds=ready,
            new_ms=median(new),
            known_ms=median(known),
        )


async def examine(settings: PrivacySettings, policy: Policy) -> Card:
    """One line of the doctor's card: can a worker start, with which model, and does it find what it must?"""
    if not policy.active:
        text = "no policy holds for every request: texts are passed as they are unless a key or a model names one"
        return Card(check="privacy", level="ok", text=text)
    try:
        told = await tried(settings, policy, "grace.hopper@example.org")
    except (RedactionUnavailable, ConfigError) as error:
        return Card(check="privacy", level="fail", text=f"requests would be refused: {error.message}")
    return Card(
        check="privacy", level="ok", text=f"policy {told.policy}: a worker answers, model {told.model or 'none'}"
    )
