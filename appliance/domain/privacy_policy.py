"""A privacy policy: for each entity what becomes of it, and what else on a request's way is looked at. Values only."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec

from appliance.domain.privacy import Action, Code, Direction, Entity, Fail, Media, Score, SitePattern

DEADLINE: Final = 2.0
WINDOW: Final = 200
MOST_CHARACTERS: Final = 1_000_000
DEFAULT_THRESHOLD: Final = 0.4


class Output(StrEnum):
    """How a streamed answer is held back while personal data is looked for in it."""

    WINDOW = "window"  # so many characters at a time
    BUFFER = "buffer"  # all of it


class GuardAction(StrEnum):
    """What becomes of a request in which a guard sees something. Later ones are stricter."""

    OFF = "off"
    FLAG = "flag"  # counted
    BLOCK = "block"


class Guard(StrEnum):
    """What the guards look for. Heuristics: no rate of detection is claimed."""

    ROLE_MARKERS = "role_markers"  # a chat template's own marks inside a text
    OVERRIDES = "overrides"  # "ignore all previous instructions", and its like
    INVISIBLE = "invisible"  # zero-width, bidirectional and tag characters
    BASE64 = "base64"  # long encoded blobs
    IMAGES = "images"  # images of hosts that are not allowed, in requests and answers


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one entity."""

    action: Action = Action.MASK
    threshold: Score | None = None  # None: as the recogniser's kind has it
    direction: Direction = Direction.IN


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """Which guards are on, and what they know."""

    actions: tuple[tuple[Guard, GuardAction], ...] = ()  # sorted; others are off
    image_hosts: tuple[str, ...] = ()  # whose images are allowed; `*.site.example` too

    def action(self, guard: Guard) -> GuardAction:
        return next((action for name, action in self.actions if name is guard), GuardAction.OFF)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy, whole: presets and overrides are resolved. What has no rule is not looked for."""

    name: str
    rules: tuple[tuple[Entity, Rule], ...] = ()  # sorted by entity
    languages: tuple[str, ...] = ("en",)
    model: bool = True  # whether the NER model is asked
    code: Code = Code.SCAN
    media: Media = Media.ALLOW
    fail: Fail = Fail.CLOSED
    keep_line: bool = True  # one system line asks the model to keep placeholders
    output: Output = Output.WINDOW  # matters where a rule's direction is `out` or `both`
    window: Annotated[int, msgspec.Meta(ge=40, le=100_000)] = WINDOW  # characters
    phone_regions: tuple[str, ...] = ("US", "GB", "DE", "FR")
    internal_suffixes: tuple[str, ...] = ("corp", "internal", "intern", "lan", "local", "home", "localdomain")
    patterns: tuple[SitePattern, ...] = ()
    allow: tuple[str, ...] = ()  # texts that are never a finding
    deny: tuple[tuple[Entity, str], ...] = ()  # texts that always are one
    guards: Guards = Guards()
    most_characters: int = MOST_CHARACTERS  # of all texts of a request
    deadline: float = DEADLINE  # seconds for the analysis of a request
    digest: str = ""  # short, of everything above; set by whoever makes the policy

    @property
    def id(self) -> str:
        """What ledger, metrics and events call it."""
        return f"{self.name}@{self.digest}" if self.digest else self.name

    @property
    def active(self) -> bool:
        """False: a request is sent as it came, and nobody looks at it."""
        guarded = any(action is not GuardAction.OFF for _, action in self.guards.actions)
        return bool(self.rules) or guarded or self.media is not Media.ALLOW

    def rule(self, entity: Entity) -> Rule | None:
        return next((rule for name, rule in self.rules if name == entity), None)

    def entities(self, way: Direction) -> tuple[Entity, ...]:
        """Entities that are looked for on the way `in` or `out`."""
        return tuple(name for name, rule in self.rules if rule.direction in {way, Direction.BOTH})


OFF: Final = Policy(name="off")
"""Nothing is looked at; the neutral element of a merge."""


class Preset(StrEnum):
    """Policies that every site has. `redaction/policy/presets` says what they hold."""

    OFF = "off"
    DETECT_ONLY = "detect-only"
    STANDARD = "standard"
    STRICT = "strict"
    GDPR_EU = "gdpr-eu"
    PCI = "pci"


PRESETS: Final = tuple(preset.value for preset in Preset)
"""Names that every site knows."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a site says of one policy of its own. None: as `based_on` has it."""

    based_on: Preset = Preset.STANDARD
    rules: tuple[tuple[Entity, Rule], ...] = ()  # in place of the preset's, entity by entity
    languages: tuple[str, ...] | None = None
    model: bool | None = None
    code: Code | None = None
    media: Media | None = None
    fail: Fail | None = None
    keep_line: bool | None = None
    output: Output | None = None
    window: int | None = None
    phone_regions: tuple[str, ...] | None = None
    internal_suffixes: tuple[str, ...] | None = None
    patterns: tuple[SitePattern, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[tuple[Entity, str], ...] = ()
    guards: Guards = Guards()
    most_characters: int | None = None
    deadline: float | None = None
