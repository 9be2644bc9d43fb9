"""One task after the other until the input ends. The one place in a worker that catches whatever is raised."""

import gc
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from appliance.domain.privacy import Analysis, Finding
from appliance.redaction import wire
from appliance.redaction.worker.confine import perish
from appliance.redaction.worker.engine import CannotAnalyse, Engine, Ours, Plan
from appliance.redaction.worker.model import ModelRefused, load

_PAGE: Final = 4096
T = TypeVar("T")


def serve(listen: BinaryIO, speak: BinaryIO, arguments: Sequence[str], ours: Callable[[Analysis], Ours]) -> int:
    """The exit code: 0 at the end of the input, 1 when the model is refused, 2 when the gateway spoke nonsense."""
    logging.disable(logging.CRITICAL)  # Presidio logs values it could not validate
    try:
        models = [load(Path(a), digest) for a, digest in zip(arguments[::2], arguments[1::2], strict=True)]
    except ModelRefused as refused:
        _say(speak, wire.Refused(str(refused)[:500]))
        return 1
    served = Server(Engine(models, ours))
    gc.freeze()
    _say(speak, wire.Ready(" + ".join(one.name for one in models)))
    perish(0)
    try:
        while (body := _read(listen)) is not None:
            answer = served.answer(wire.asked(body))
            if answer is not None:
                _say(speak, answer)
                perish(0)
    except wire.Nonsense:
        return 2
    return 0


class Server:
    """Definitions, and the tasks that name them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._plans: dict[str, Plan | wire.Failed] = {}

    def answer(self, asked: wire.Asked) -> wire.Found | wire.Failed | None:
        if isinstance(asked, wire.Define):
            if len(self._plans) == wire.MOST_ANALYSES:
                self._plans.clear()
            self._plans[asked.digest] = self._attempt(0, partial(self._engine.plan, asked.analysis))
            return None
        perish(2 * asked.within + 1)
        plan = self._plans.get(asked.digest)
        if plan is None:
            raise wire.Nonsense("a task without its definition")
        if isinstance(plan, wire.Failed):
            return wire.Failed(asked.number, plan.reason)
        found: list[tuple[Finding, ...]] = []
        for text in asked.texts:
            # Inside spaCy's memory zone nothing may be raised across its border: what fails becomes a value there.
            with self._engine.zone():
                one = self._attempt(asked.number, partial(self._engine.find, plan, text))
            if isinstance(one, wire.Failed):
                return one
            found.append(one)
        return wire.Found(asked.number, [wire.places(one) for one in found], _resident())

    def _attempt(self, number: int, work: Callable[[], T]) -> T | wire.Failed:
        try:
            return work()
        except CannotAnalyse as known:
            return wire.Failed(number, str(known)[:500])
        except Exception as error:  # noqa: BLE001 -- a supervisor: see tests/arch
            # A message may quote the text; a type's name does not.
            return wire.Failed(number, f"a recogniser failed with {type(error).__name__}")


def _read(listen: BinaryIO) -> bytes | None:
    prefix = _exactly(listen, wire.PREFIX)
    return None if prefix is None else _exactly(listen, wire.length(prefix))


def _exactly(listen: BinaryIO, size: int) -> bytes | None:
    """None at the end of the input, even within a message: the gateway is gone."""
    got = bytearray()
    while len(got) < size:
        part = listen.read(size - len(got))
        if not part:
            return None
        got += part
    return bytes(got)


def _say(speak: BinaryIO, message: wire.Said) -> None:
    left = memoryview(wire.framed(message))
    while left:
        left = left[speak.write(left) :]


def _resident() -> int:
    """Bytes of memory this process holds (proc(5), statm)."""
    with open("/proc/self/statm", "rb") as told:  # noqa: PTH123 -- measured on every task
        return int(told.read().split()[1]) * _PAGE
