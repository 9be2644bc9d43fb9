"""Synthetic text: templates of ours, filled with names of many cultures. Every label is annotated in it."""

import random
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from offline.models.addresses import Addresses
from offline.models.corpora import Line, Span, lines
from offline.models.names import Lists, Namer

LABELS = ("PERSON", "LOCATION", "ADDRESS", "ORGANIZATION", "NRP", "DATE_TIME")
LABEL_OF = {
    **dict.fromkeys(("person", "first", "last", "firsts", "lasts"), "PERSON"),
    **dict.fromkeys(("loc", "region", "locs"), "LOCATION"),
    **dict.fromkeys(("addr", "street"), "ADDRESS"),
    **dict.fromkeys(("date", "time", "year"), "DATE_TIME"),
    **dict.fromkeys(("org", "orgs"), "ORGANIZATION"),
    **dict.fromkeys(("nrp", "adj", "adje", "adjen", "adjer", "adjes", "adjem"), "NRP"),
}
ENDINGS = ("", "e", "en", "er", "es", "em")  # of a German adjective
ON = ("on", "on", "by", "since", "before", "after", "until")
PHONES = ("+## ## ########", "(###) ###-####", "###-###-####", "0#### ######", "+1 ### ### ####", "0## / #######")
SLOT = re.compile(r"\{\{|\}\}|\{(\w+)\}")
FIRST_DAY, DAYS = date(1940, 1, 1), 33_000
NEGATIVE_SHARE = 0.25
MAIL_HOSTS = ("example.com", "mail.example.org", "corp.internal", "example.net", "office.local", "uni.example")


def templates(path: Path) -> list[str]:
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in lines(path)]


class Filler:
    """Fills templates. The same seed makes the same text."""

    def __init__(self, lists: Lists, draw: random.Random) -> None:
        self.namer = Namer(lists, draw)
        self.addresses = Addresses(lists, draw)
        self.draw = draw
        self.parts = lists.parts
        namer, parts, pick = self.namer, lists.parts, draw.choice
        self.values: dict[str, Callable[[], str]] = {
            **{f"adj{end}": partial(self._adjective, end) for end in ENDINGS},
            **{f"{slot}s": partial(self._genitive, slot) for slot in ("first", "last", "loc", "org")},
            "person": namer.person,
            "first": namer.given,
            "last": namer.family,
            "loc": namer.place,
            "region": namer.region,
            "org": namer.organisation,
            "addr": self.addresses.address,
            "street": self.addresses.street,
            "nrp": lambda: pick(parts.get("folk", lists.nrp)),
            "tech": lambda: pick(lists.technical),
            "date": self._date,
            "year": lambda: str(draw.randint(1800, 2030)),
            "time": self._time,
            "on": lambda: pick(parts.get("on", ON)),
            "title": lambda: pick(parts["titles"]),
            "job": lambda: pick(parts["jobs"]),
            "age": lambda: str(draw.randint(1, 99)),
            "email": lambda: f"{namer.given().lower().replace(' ', '.')}{draw.randint(1, 99)}@{pick(MAIL_HOSTS)}",
            "handle": lambda: f"@{namer.given().lower().replace(' ', '_')}{draw.randint(1, 999)}",
            "phone": self._phone,
            "num": lambda: str(draw.randint(10, 10 ** draw.randint(2, 11))),
            "url": lambda: (
                f"{pick(('www.', ''))}{namer.family().lower().replace(' ', '-')}.example/{draw.randint(1, 999)}"
            ),
            "ip": lambda: ".".join(str(draw.randint(1, 254)) for _ in range(4)),
            "iban": lambda: f"DE{draw.randint(10, 99)} " + " ".join(str(draw.randint(1000, 9999)) for _ in range(4)),
            "cc": lambda: f"4{draw.randint(10**14, 10**15 - 1)}",
        }

    def fill(self, template: str) -> tuple[str, list[Span]]:
        """The text, and where its entities lie. Raises KeyError for a slot nobody fills."""
        text, spans, at = "", [], 0
        for found in SLOT.finditer(template):
            text += template[at : found.start()]
            at = found.end()
            if found[1] is None:
                text += found[0][0]
                continue
            value = self._cased(self.values[found[1]](), found[1])
            if found[1] in LABEL_OF:
                spans.append((len(text), len(text) + len(value), LABEL_OF[found[1]]))
            text += value
        return text + template[at:], spans

    def _cased(self, value: str, slot: str) -> str:
        if slot not in LABEL_OF:
            return value
        kind = self.draw.random()
        return value.upper() if kind < 0.03 else value.lower() if kind < 0.07 else value

    def _adjective(self, ending: str) -> str:
        return self.draw.choice(self.parts["adj"]) + ending

    def _genitive(self, slot: str) -> str:
        """As German writes it: `Peters`, `Hans'`."""
        name = self.values[slot]()
        return f"{name}'" if name[-1:] in "sxzß" else f"{name}s"

    def _date(self) -> str:
        if self.draw.random() < 0.2:
            return self.draw.choice(self.parts["relative"])
        day = FIRST_DAY + timedelta(days=self.draw.randrange(DAYS))
        form = self.draw.choice(self.parts["dates"])
        for mark, names, at in (("%B", "months", day.month - 1), ("%A", "days", day.weekday())):
            form = form.replace(mark, self.parts[names][at]) if names in self.parts else form
        written = day.strftime(form)
        return written.lstrip("0").replace(" 0", " ") if self.draw.random() < 0.5 else written

    def _time(self) -> str:
        hour, minute = self.draw.randint(0, 23), self.draw.choice((0, 15, 30, 45, self.draw.randint(0, 59)))
        if "clock" in self.parts:
            return self.draw.choice(self.parts["clock"]).format(hour=hour, minute=minute)
        half, short = ("AM", "PM")[hour // 12], hour % 12 or 12
        return self.draw.choice(
            (
                *(f"{hour:02}:{minute:02}", f"{short}:{minute:02} {half}", f"{short}{half.lower()}"),
                *(
                    f"{hour:02}:{minute:02}:{self.draw.randint(0, 59):02}",
                    f"{short}:{minute:02}{half.lower()}",
                    f"{short} {half}",
                ),
            )
        )

    def _phone(self) -> str:
        pick = self.draw.choice
        shape = pick(self.parts.get("phones", PHONES))
        return "".join(pick("0123456789") if one == "#" else one for one in shape)


class Synthetic:
    """An endless supply of lines from templates and negatives."""

    def __init__(self, home: Path, lists: Lists, draw: random.Random) -> None:
        self.positive = templates(home / "templates/training.txt")
        self.negative = templates(home / "templates/negatives.txt")
        self.filler = Filler(lists, draw)
        self.draw = draw

    def lines(self, count: int) -> Iterator[Line]:
        for at in range(count):
            text, spans = "", []
            for _ in range(self.draw.choice((1, 1, 1, 2, 3))):
                pool = self.negative if self.draw.random() < NEGATIVE_SHARE else self.positive
                more, found = self.filler.fill(self.draw.choice(pool))
                text += self.draw.choice((" ", "\n", "\n\n")) if text else ""
                spans += [(start + len(text), end + len(text), label) for start, end, label in found]
                text += more
            yield Line(text, tuple(spans), frozenset(LABELS), "synthetic", f"synthetic-{at}")


def held_out(home: Path, lists: Lists, each: int, seed: int) -> list[Line]:
    """Every template of the second test set, filled `each` times."""
    filler = Filler(lists, random.Random(seed))  # noqa: S311 -- test text, no secret
    made = []
    for at, template in enumerate(templates(home / "templates/held_out.txt")):
        for _ in range(each):
            text, spans = filler.fill(template)
            made.append(Line(text, tuple(spans), frozenset(LABELS), "held-out", f"held-out-{at}"))
    return made
