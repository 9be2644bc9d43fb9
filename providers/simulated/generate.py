"""Deterministic text and tokens. The same prompt always gets the same answer.

One token is four bytes of UTF-8, the last one of a text may be shorter. The rule is simple enough to be checked by
hand, and because a cut may fall inside a character it makes streams behave as byte-level tokenizers do: a token may
bring no text at all, and a text cut short may end in a replacement character.
"""

import codecs
import hashlib
import math

TOKEN_BYTES = 4

_MASK = (1 << 64) - 1
# Sixty-four words: six bits of the generator choose one. Every fourth has a character of two, three or four bytes.
_VOCABULARY = (
    "river stone window größe lantern harbour quiet naïve copper meadow signal 漢字 paper winter bridge señor "
    "orchard barley velvet über compass granite ribbon 日本 anchor thistle beacon café marble willow ember ядро "
    "saddle timber hollow Łódź candle furrow garnet 🙂 pebble linen cinder crème hazel mortar sorrel 東京 "
    "tallow bramble quarry façade kettle russet tiller δέλτα walnut gable sable žluť flint heather rowan 🌍"
)
_WORDS: tuple[bytes, ...] = tuple(word.encode() for word in _VOCABULARY.split())


def count(text: str) -> int:
    """Tokens of a text."""
    return (len(text.encode(errors="replace")) + TOKEN_BYTES - 1) // TOKEN_BYTES


def token_ids(text: str) -> list[int]:
    """The ids of a text's tokens; `text_of` turns them back."""
    raw = text.encode(errors="replace")
    return [int.from_bytes(b"\x01" + raw[at : at + TOKEN_BYTES]) for at in range(0, len(raw), TOKEN_BYTES)]


def text_of(ids: list[int]) -> str:
    """The text of token ids. Ids of another tokenizer become replacement characters, one each."""
    raw = bytearray()
    for token in ids:
        packed = token.to_bytes(max(1, (token.bit_length() + 7) // 8)) if token >= 0 else b""
        raw += packed[1:] if len(packed) > 1 and packed[0] == 1 else "\ufffd".encode()
    return raw.decode(errors="replace")


def seed_of(*parts: object) -> int:
    """A 64-bit seed from whatever makes an answer different."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(str(part).encode(errors="replace"))
        digest.update(b"\x00")
    return int.from_bytes(digest.digest())


def prose(seed: int, tokens: int) -> bytes:
    """UTF-8 words, exactly `tokens` tokens long."""
    size = tokens * TOKEN_BYTES
    parts: list[bytes] = []
    length = 0
    state = seed
    while length < size:
        state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
        word = _WORDS[state >> 58]
        parts.append(word)
        length += len(word) + 1
    text = b" ".join(parts)[:size].decode(errors="ignore").encode()
    return text + b"." * (size - len(text))


def pieces(raw: bytes) -> list[str]:
    """The text each token adds: "" while a character is incomplete, a replacement character if it stays so."""
    if raw.isascii():
        text = raw.decode()
        return [text[at : at + TOKEN_BYTES] for at in range(0, len(text), TOKEN_BYTES)]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    cuts = range(0, len(raw), TOKEN_BYTES)
    return [decoder.decode(raw[at : at + TOKEN_BYTES], final=at + TOKEN_BYTES >= len(raw)) for at in cuts]


def vector(text: str, dimensions: int) -> list[float]:
    """A unit vector that depends on the text alone."""
    state = seed_of("vector", text)
    values: list[float] = []
    for _ in range(dimensions):
        state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
        values.append((state >> 11) / (1 << 52) - 1.0)
    norm = math.sqrt(math.fsum(value * value for value in values)) or 1.0
    return [value / norm for value in values]


def logprob(seed: int, index: int) -> float:
    """A believable log probability for the token at `index`: between -4 and 0, two decimals and a bit."""
    state = ((seed ^ index) * 6364136223846793005 + 1442695040888963407) & _MASK
    return -((state >> 54) / 256.0)
