"""The models an emulated Ollama has, and which of them are in memory."""

import asyncio
import hashlib
import re
from collections.abc import Callable

import msgspec

from providers.simulated.admission import Slots
from providers.simulated.ollama.errors import CLOUD_DISABLED, Refused, no_model
from providers.simulated.settings import OllamaModel, OllamaSettings

FOREVER = float("inf")
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Loaded(msgspec.Struct):
    """A model in memory."""

    model: OllamaModel
    window: int
    expires: float  # Unix seconds
    users: int = 0


class Library:
    """Models by name; `tiny` and `tiny:latest` are the same."""

    def __init__(self, settings: OllamaSettings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self.models = {full_name(model.name): model for model in settings.library or _plain(settings)}
        self._loaded: dict[str, Loaded] = {}
        self._slots: dict[str, Slots] = {}
        self.load_s = settings.load_s

    def find(self, name: str) -> OllamaModel:
        """The model of that name. Raises Refused 400, 403 (a cloud model) or 404."""
        if not name:
            raise Refused(400, "model is required")
        model = self.models.get(full_name(name))
        if model is None:
            raise no_model(name)
        if model.remote_host and self._settings.cloud_disabled:
            raise Refused(403, CLOUD_DISABLED)
        return model

    def slots(self, model: OllamaModel) -> Slots:
        """The queue before a model."""
        name = full_name(model.name)
        if name not in self._slots:
            self._slots[name] = Slots(self._settings.num_parallel, self._settings.max_queue)
        return self._slots[name]

    @property
    def loaded(self) -> list[Loaded]:
        """What is in memory now. What has expired and is not in use leaves here."""
        now = self._now()
        for name in [name for name, loaded in self._loaded.items() if not loaded.users and loaded.expires <= now]:
            del self._loaded[name]
        return list(self._loaded.values())

    async def load(self, model: OllamaModel, window: int | None) -> tuple[Loaded, float]:
        """Bring a model into memory; another `window` than it has loads it again. Also returns the seconds it took."""
        name = full_name(model.name)
        wanted = window or min(self._settings.context_length, model.context_length)
        there = {full_name(loaded.model.name): loaded for loaded in self.loaded}.get(name)
        if there is not None and there.window == wanted:
            return there, 0.0
        if self.load_s > 0:
            await asyncio.sleep(self.load_s)
        fresh = Loaded(model, wanted, self._now() + self._settings.model_keep_alive_s)
        self._loaded[name] = fresh
        return fresh, self.load_s

    def keep(self, loaded: Loaded, given: float | None) -> None:
        """Set when a model leaves memory: so many seconds from now (negative: never), or as the server was started."""
        seconds = self._settings.model_keep_alive_s if given is None else given
        loaded.expires = self._now() + seconds if seconds >= 0 else FOREVER


def full_name(name: str) -> str:
    """A name with its tag."""
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def digest(model: OllamaModel) -> str:
    """The digest of a model's manifest."""
    return hashlib.sha256(full_name(model.name).encode()).hexdigest()


def seconds_of(keep_alive: object) -> float | None:
    """A `keep_alive` in seconds: a number, or a duration as Go writes it. Raises Refused 400."""
    if keep_alive is None or isinstance(keep_alive, bool):
        return None
    if isinstance(keep_alive, int | float):
        return float(keep_alive)
    text = str(keep_alive)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)", text)
    if not parts and text.lstrip("-").isdigit():
        return float(text)
    if not parts:
        raise Refused(400, f'time: invalid duration "{text}"')
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -total if text.startswith("-") else total


def _plain(settings: OllamaSettings) -> tuple[OllamaModel, ...]:
    extra = [name for name, there in (("vision", settings.vision), ("thinking", settings.reasoning)) if there]
    abilities = ("completion", "tools", "insert", *extra)
    return tuple(OllamaModel(name=name, capabilities=abilities) for name in settings.models)
