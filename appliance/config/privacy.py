"""The `privacy:` section of the file: which policy holds for every request, and the site's own policies."""

from typing import Annotated

import msgspec
from msgspec import Meta

from appliance.domain.privacy import Action, Code, Direction, Entity, Fail, Media, SitePattern
from appliance.domain.privacy_policy import (
    DEADLINE,
    MOST_CHARACTERS,
    WINDOW,
    Guard,
    GuardAction,
    Guards,
    Output,
    Preset,
    Rule,
    Terms,
)

PolicyName = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64, title="a policy's name: lower-case letters, digits, `_-`"),
]
EntityName = Annotated[
    str, Meta(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=64, title="an entity's name in capitals, such as `PERSON`")
]
Share = Annotated[float, Meta(ge=0, le=1, title="a number from 0 to 1")]
Text = Annotated[str, Meta(min_length=1, max_length=256, title="a text")]
Pattern = Annotated[str, Meta(min_length=1, max_length=1000, title="a pattern in RE2's syntax")]
Region = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", title="a country in two capitals, such as `DE`")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2}$", title="a language in two letters, such as `en`")]
Suffix = Annotated[str, Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$", max_length=64, title="the end of a host name")]
Host = Annotated[str, Meta(pattern=r"^(\*\.)?[A-Za-z0-9.-]+$", max_length=253, title="a host name, or `*.` and one")]


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of one entity."""

    entity: Annotated[EntityName, Meta(description="What is found; `redoubt pii policies --entities` lists them.")]
    action: Annotated[Action, Meta(description="What becomes of it.")] = Action.MASK
    threshold: Annotated[
        Share | None, Meta(description="Least score that counts; without it, the recogniser's own, mostly 0.4.")
    ] = None
    direction: Annotated[Direction, Meta(description="In requests, in answers, or in both.")] = Direction.IN


class PatternEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pattern of the site's own. RE2 only: no look-around, no back references, linear time."""

    entity: Annotated[EntityName, Meta(description="What a hit is called; a new name makes a new entity, masked.")]
    pattern: Annotated[Pattern, Meta(description="What is looked for.")]
    score: Annotated[Share, Meta(description="How sure a hit is.")] = 0.85
    context: Annotated[tuple[Text, ...], Meta(max_length=64, description="Words nearby that make it surer.")] = ()


class DenyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Texts that always are an entity, such as the names of projects."""

    entity: Annotated[EntityName, Meta(description="What they are called.")]
    texts: Annotated[tuple[Text, ...], Meta(max_length=10_000, description="The texts, compared without case.")]


class GuardsEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Heuristics on the same texts: `flag` counts, `block` refuses. No rate of detection is claimed."""

    role_markers: Annotated[GuardAction | None, Meta(description="A chat template's own marks inside a text.")] = None
    overrides: Annotated[GuardAction | None, Meta(description='"Ignore all previous instructions", and its like.')] = (
        None
    )
    invisible: Annotated[GuardAction | None, Meta(description="Zero-width, bidirectional and tag characters.")] = None
    base64: Annotated[GuardAction | None, Meta(description="Long encoded blobs.")] = None
    images: Annotated[
        GuardAction | None, Meta(description="Images of hosts that are not allowed, in requests and answers.")
    ] = None
    image_hosts: Annotated[tuple[Host, ...], Meta(max_length=1000, description="Hosts whose images are allowed.")] = ()

    def guards(self) -> Guards:
        given = {guard: getattr(self, guard.value) for guard in Guard}
        return Guards(
            actions=tuple(sorted((guard, action) for guard, action in given.items() if action is not None)),
            image_hosts=self.image_hosts,
        )


class PolicyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy of the site's own. What is not written is as in the preset it is based on."""

    name: Annotated[PolicyName, Meta(description="Unique, and no preset's.")]
    based_on: Annotated[Preset, Meta(description="The preset it changes.")] = Preset.STANDARD
    rules: Annotated[tuple[RuleEntry, ...], Meta(max_length=200, description="What becomes of which entity.")] = ()
    languages: Annotated[
        tuple[Language, ...] | None, Meta(description="Languages of the texts; the preset's: `en`.")
    ] = None
    model: Annotated[bool | None, Meta(description="Whether the language model that finds names is asked.")] = None
    code: Annotated[Code | None, Meta(description="How fenced code blocks are looked at.")] = None
    media: Annotated[Media | None, Meta(description="What becomes of images, audio and files.")] = None
    fail: Annotated[Fail | None, Meta(description="What happens when a text could not be analysed.")] = None
    keep_line: Annotated[bool | None, Meta(description="Ask the model, in a system line, to keep placeholders.")] = None
    output: Annotated[Output | None, Meta(description="How a streamed answer is held while it is looked at.")] = None
    window: Annotated[
        Annotated[int, Meta(ge=40, le=100_000, title="a whole number from 40 to 100000")] | None,
        Meta(description=f"Characters of `output: window`; the presets': {WINDOW}."),
    ] = None
    phone_regions: Annotated[
        tuple[Region, ...] | None, Meta(description="Countries whose telephone numbers are known.")
    ] = None
    internal_suffixes: Annotated[
        tuple[Suffix, ...] | None, Meta(description="Ends of host names that exist on this site only.")
    ] = None
    patterns: Annotated[tuple[PatternEntry, ...], Meta(max_length=100, description="Patterns of the site's own.")] = ()
    allow: Annotated[tuple[Text, ...], Meta(max_length=10_000, description="Texts that are never a finding.")] = ()
    deny: Annotated[tuple[DenyEntry, ...], Meta(max_length=100, description="Texts that always are one.")] = ()
    guards: Annotated[GuardsEntry, Meta(description="Other things to look for.")] = GuardsEntry()
    most_characters: Annotated[
        Annotated[int, Meta(ge=1, le=10**8, title="a whole number >= 1")] | None,
        Meta(description=f"Longest request, in characters of text; the presets': {MOST_CHARACTERS}."),
    ] = None
    deadline: Annotated[
        Annotated[float, Meta(gt=0, le=60, title="a number of seconds > 0, at most 60")] | None,
        Meta(description=f"Seconds for the analysis of a request; the presets': {DEADLINE:g}."),
    ] = None

    def terms(self) -> Terms:
        return Terms(
            based_on=self.based_on,
            rules=tuple(
                sorted(
                    (Entity(one.entity), Rule(action=one.action, threshold=one.threshold, direction=one.direction))
                    for one in self.rules
                )
            ),
            languages=self.languages,
            model=self.model,
            code=self.code,
            media=self.media,
            fail=self.fail,
            keep_line=self.keep_line,
            output=self.output,
            window=self.window,
            phone_regions=self.phone_regions,
            internal_suffixes=self.internal_suffixes,
            patterns=tuple(
                SitePattern(entity=Entity(one.entity), pattern=one.pattern, score=one.score, context=one.context)
                for one in self.patterns
            ),
            allow=self.allow,
            deny=tuple((Entity(one.entity), text) for one in self.deny for text in one.texts),
            guards=self.guards.guards(),
            most_characters=self.most_characters,
            deadline=self.deadline,
        )


class ModelFolder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An unpacked NER model. Nothing of it is loaded unless every file is the one that was named."""

    folder: Annotated[str, Meta(min_length=1, title="a path", description="Its folder, with a file `SHA256SUMS`.")]
    sha256: Annotated[
        str, Meta(pattern=r"^[0-9a-f]{64}$", title="64 hex digits", description="The sha256 of that `SHA256SUMS`.")
    ]


class Privacy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Personal data and secrets in what clients send and models answer. `docs/privacy.md` tells the whole story."""

    policy: Annotated[
        PolicyName,
        Meta(description="The policy that holds for every request; a key's or a model's can only be stricter."),
    ] = Preset.OFF.value
    workers: Annotated[
        Annotated[int, Meta(ge=1, le=64, title="a whole number from 1 to 64")],
        Meta(description="Processes that analyse texts; none is started where no policy needs one."),
    ] = 2
    spares: Annotated[
        Annotated[int, Meta(ge=0, le=8, title="a whole number from 0 to 8")],
        Meta(description="More of them, loaded and idle: one that is lost is replaced at once. Each takes its memory."),
    ] = 1
    model: Annotated[
        ModelFolder | None,
        Meta(
            description="The language model that finds names; without it, the one that was installed with the release."
        ),
    ] = None
    policies: Annotated[tuple[PolicyEntry, ...], Meta(max_length=200, description="Policies of the site's own.")] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every policy that may be named."""
        return (*(preset.value for preset in Preset), *(one.name for one in self.policies))

    @property
    def terms(self) -> dict[str, Terms]:
        return {one.name: one.terms() for one in self.policies}
