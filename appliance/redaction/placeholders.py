"""What is sent in place of a finding, and what each placeholder stands for, for the length of one request.

A placeholder is `[PERSON_1]`, or `[PERSON_k7qf2a…]` under a key. Another spelling of the same value has the same number
and a letter, `[PERSON_1b]`, so that a model sees one person and an answer is restored to the letter.

Text that looks like a placeholder stays as typed, and no value is given that number; where the number has been given
already, the typed text is covered like a value of its own and comes back as typed.

Why nothing else can be restored: every placeholder begins with the only `[` and ends with the only `]` it holds, so
that no match can span its edge; and every bracketed word of the text around it was either reserved or covered.
"""

import base64
import hmac
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from appliance.domain.errors import ContentBlocked, RedactionUnavailable, Unable
from appliance.domain.privacy import Action, Entity, Finding
from appliance.domain.upstream import Kind
from appliance.redaction.embedded import quoted_like
from appliance.redaction.leaf import Leaf
from appliance.redaction.restore import BRACKETED, Table

LONGEST_LABEL: Final = 18  # so that no placeholder is longer than restore.LONGEST
KEYED: Final = 16  # characters of base32: 80 bits, two of 10^9 values are alike once in 2 million sites
_MOST_SPELLINGS: Final = 26 * 26  # further spellings of a value get numbers of their own
_KEYED_SHAPE: Final = re.compile(r"\[([A-Za-z][A-Za-z0-9_]{0,17})_[A-Za-z2-7]{16}[A-Za-z]{0,2}\]")
_NO_LABEL: Final = re.compile(r"[^A-Z0-9]+")
_SEPARATORS: Final = re.compile(r"[\s().\-/\u2010-\u2015]+")
_SEPARATED: Final = frozenset({"CREDIT_CARD", "IBAN_CODE", "PHONE_NUMBER"})  # grouped as people like

T = TypeVar("T")
ActionOf = Callable[[Entity], Action]
Encrypt = Callable[[bytes, bytes], bytes]
"""(plaintext, associated data) to ciphertext; AES-GCM-SIV under the site's key, which lives where this was made."""


class Keys:
    """What keyed actions need. Without its key, an action refuses the request."""

    __slots__ = ("encrypt", "hash", "pseudonym")

    def __init__(
        self, *, pseudonym: bytes | None = None, hash_key: bytes | None = None, encrypt: Encrypt | None = None
    ) -> None:
        self.pseudonym = pseudonym
        self.hash = hash_key
        self.encrypt = encrypt

    def __repr__(self) -> str:
        return "Keys(…)"


NO_KEYS: Final = Keys()


class Mask:
    """The placeholders of one request. Leaves are covered in the order of the walk; the order is the numbering."""

    __slots__ = ("_comes_back", "_keys", "_last", "_reserved", "_stems", "_tokens", "_values", "counts")

    def __init__(self, kind: Kind, keys: Keys = NO_KEYS) -> None:
        """An embedding has no text in which a placeholder could come back: there, spellings share a pseudonym."""
        self._comes_back = kind is not Kind.EMBEDDINGS
        self._keys = keys
        self._values: dict[str, str] = {}  # placeholder, upper case -> what it stands for
        self._tokens: dict[tuple[str, str, Action], str] = {}  # entity, spelling, action -> placeholder
        self._stems: dict[tuple[str, str, Action], list[str]] = {}  # entity, value, action -> stem, then its spellings
        self._last: dict[str, int] = {}  # label -> the last number tried
        self._reserved: set[str] = set()  # typed words in brackets, upper case: no value may take one
        self.counts: dict[tuple[Entity, Action], int] = {}

    def __repr__(self) -> str:
        return f"Mask({len(self._values)})"

    @property
    def emitted(self) -> int:
        """How many different placeholders were put out."""
        return len(self._values)

    def table(self) -> Table:
        """What the answer is restored by: what has been put out by now."""
        return Table(dict(self._values))

    def answering(self) -> "Mask":
        """The mask for what the model says, before placeholders are put back; made once the request is covered.

        A value the client sent itself gets its own placeholder, and so comes back; any other gets a number nobody has,
        and stays covered. Placeholders in the answer are left alone.
        """
        other = Mask(Kind.EMBEDDINGS, self._keys)  # nothing that it puts out comes back
        other._tokens = dict(self._tokens)
        other._stems = {known: list(spelled) for known, spelled in self._stems.items()}
        other._last = dict(self._last)
        other._reserved = self._reserved | self._values.keys()
        return other

    def reserve(self, fixed: Sequence[str]) -> None:
        """Words that are sent as they are: no value is given one of them as its placeholder."""
        for text in fixed:
            self._reserved.update(found[0].upper() for found in BRACKETED.finditer(text))

    def cover(self, leaf: Leaf, findings: Sequence[Finding], action_of: ActionOf) -> str:
        """The text that is sent in place of `leaf.raw`; `findings` count characters of `leaf.text`.

        Raises ContentBlocked, naming entity and place; RedactionUnavailable for findings that overlap or lie outside,
        and for an action whose key is missing.
        """
        if findings:
            self._check(leaf, findings, action_of)
        elif "[" not in leaf.raw and (leaf.spans is None or "[" not in leaf.text):
            return leaf.raw
        if leaf.spans is None:
            return self._covered(leaf.text, findings, action_of)
        return self._in_json(leaf, findings, action_of)

    def _check(self, leaf: Leaf, findings: Sequence[Finding], action_of: ActionOf) -> None:
        at = 0
        for one in findings:
            if not at <= one.start < one.end <= len(leaf.text):
                raise RedactionUnavailable(
                    "the analysis told places that are none; nothing was sent", why=Unable.ANALYSIS
                )
            at = one.end
            action = action_of(one.entity)
            key = (one.entity, action)
            self.counts[key] = self.counts.get(key, 0) + 1
            if action is Action.BLOCK:
                raise ContentBlocked(
                    f"`{leaf.where}` holds `{one.entity}`, which the privacy policy of this key does not let through",
                    param=leaf.where,
                )

    def _in_json(self, leaf: Leaf, findings: Sequence[Finding], action_of: ActionOf) -> str:
        """Each value by itself, so that what stands between them stays; a number that is covered becomes a string."""
        raw, text = leaf.raw, leaf.text
        pieces: list[str] = []
        untouched = set(range(len(findings)))
        at = first = 0
        for start, end, raw_start, raw_end in leaf.spans or ():
            if start == end:
                continue
            own: list[Finding] = []
            while first < len(findings) and findings[first].end <= start:
                first += 1
            index = first
            while index < len(findings) and findings[index].start < end:
                one = findings[index]
                own.append(Finding(max(one.start, start) - start, min(one.end, end) - start, one.entity, one.score))
                untouched.discard(index)
                index += 1
            value = text[start:end]
            if not own and "[" not in value:
                continue
            covered = self._covered(value, own, action_of)
            if covered != value:
                pieces += (raw[at:raw_start], quoted_like(covered, raw))
                at = raw_end
        for index in untouched:  # in a key
            self._stays(findings[index].entity, action_of(findings[index].entity))
        pieces.append(raw[at:])
        return "".join(pieces)

    def _stays(self, entity: Entity, action: Action) -> None:
        """What no action may touch is counted as what it is: allowed."""
        self.counts[entity, action] -= 1
        if not self.counts[entity, action]:
            del self.counts[entity, action]
        self.counts[entity, Action.ALLOW] = self.counts.get((entity, Action.ALLOW), 0) + 1

    def _covered(self, text: str, findings: Sequence[Finding], action_of: ActionOf) -> str:
        pieces: list[str] = []
        run = ""  # what is sent as typed; joined over what is redacted, since the halves may look like a placeholder
        at = 0
        for one in findings:
            start, end, entity = one.start, one.end, one.entity
            action = action_of(entity)
            value = text[start:end]
            token = self._tokens.get((entity, value, action))
            if token is None:
                if action is Action.ALLOW or action is Action.REDACT:
                    run += text[at:start] + (value if action is Action.ALLOW else "")
                    at = end
                    continue
                run = self._typed(run + text[at:start])  # before the value gets its number, as it stands before it
                token = self._instead(entity, value, action)
                pieces += (run, token)
            else:
                pieces += (self._typed(run + text[at:start]), token)
            run = ""
            at = end
        pieces.append(self._typed(run + text[at:]))
        return "".join(pieces)

    def _typed(self, run: str) -> str:
        return BRACKETED.sub(self._look_alike, run) if "[" in run else run

    def _look_alike(self, found: re.Match[str]) -> str:
        typed = found[0]
        upper = typed.upper()
        keyed = _KEYED_SHAPE.fullmatch(typed) if self._keys.pseudonym is not None else None
        if keyed is not None and self._comes_back:  # the value it is the pseudonym of may come later
            return self._placeholder(keyed[1].upper(), typed, Action.PSEUDONYM)
        if upper in self._values and self._comes_back:
            return self._placeholder(upper[1:-1].rpartition("_")[0], typed, Action.MASK)
        self._reserved.add(upper)
        return typed

    def _instead(self, entity: Entity, value: str, action: Action) -> str:
        if action is Action.MASK or action is Action.PSEUDONYM:
            return self._placeholder(entity, value, action)
        name = label(entity)
        if action is Action.REPLACE:
            return f"[{name}]"
        if action is Action.HASH:
            return f"[{name}#{keyed_name(_needed(self._keys.hash, action), 'hash', entity, same(entity, value))}]"
        if action is Action.ENCRYPT:
            sealed = _needed(self._keys.encrypt, action)(value.encode(), entity.encode())
            return f"[{name}:{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}]"
        raise ContentBlocked(f"a text holds `{entity}`, which the privacy policy of this key does not let through")

    def _placeholder(self, entity: str, value: str, action: Action) -> str:
        token = self._tokens.get((entity, value, action))
        if token is None:
            token = self._tokens[entity, value, action] = self._given(entity, value, action)
            self._values[token.upper()] = value
        return token

    def _given(self, entity: str, value: str, action: Action) -> str:
        """A placeholder nobody has: the value's stem, and a letter when it is not the value's first spelling."""
        known = (entity, same(entity, value), action)
        spelled = self._stems.get(known)
        if spelled is None:
            stem = self._stem(known)
            spelled = self._stems[known] = [stem]
        elif not self._comes_back:
            return f"[{spelled[0]}]"
        for number in range(len(spelled) - 1, _MOST_SPELLINGS):
            token = f"[{spelled[0]}{_letters(number)}]"
            spelled.append(token)
            if self._free(token):
                return token
        return f"[{self._number(label(entity))}]"

    def _stem(self, known: tuple[str, str, Action]) -> str:
        entity, value, action = known
        if action is Action.PSEUDONYM:
            return f"{label(entity)}_{keyed_name(_needed(self._keys.pseudonym, action), 'pseudonym', entity, value)}"
        return self._number(label(entity))

    def _number(self, name: str) -> str:
        number = self._last.get(name, 0) + 1
        while not self._free(f"[{name}_{number}]"):
            number += 1
        self._last[name] = number
        return f"{name}_{number}"

    def _free(self, token: str) -> bool:
        upper = token.upper()
        return upper not in self._values and upper not in self._reserved


def _needed(key: T | None, action: Action) -> T:
    if key is None:
        raise RedactionUnavailable(f"the action `{action}` needs a key this gateway was not given", why=Unable.POLICY)
    return key


def label(entity: str) -> str:
    """An entity's name as it stands in a placeholder: capitals, digits and underscores, at most 18."""
    return _NO_LABEL.sub("_", entity.upper())[:LONGEST_LABEL].strip("_0123456789") or "DATA"


def same(entity: str, value: str) -> str:
    """Equal for two spellings of one value: case, width and spacing say nothing, grouping of digits neither."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    if entity in _SEPARATED:
        return _SEPARATORS.sub("", folded)
    return " ".join(folded.split())


def keyed_name(key: bytes, purpose: str, entity: str, value: str) -> str:
    """HMAC-SHA256 over purpose, entity and value, as 16 characters of base32."""
    message = f"{purpose}\0{entity}\0{value}".encode()
    return base64.b32encode(hmac.digest(key, message, "sha256")[: KEYED * 5 // 8]).decode().lower()


def _letters(number: int) -> str:
    """Nothing for a value's first spelling, then b … z, aa, ab …"""
    if number < 26:
        return "" if number == 0 else chr(97 + number)
    return chr(96 + number // 26) + chr(97 + number % 26)
