"""A Llama made by construction, not by training: it says what the probe needs, so recordings are the same every time.

Attention and MLP weights are zero, so the logits depend on the last token alone and `lm_head` is a table "after this
token comes that one". The chat template appends one marker token that starts the chain wanted: a sentence, one tool
call, two, a thought, bytes that cut a character in two, or a text that never ends. Away from a chain the model walks
over printable characters in a fixed order and never stops.

Everything is from the standard library; `model_files` writes it as Hugging Face folder, GGUF and LoRA adapter.
"""

import random
from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Floats: TypeAlias = "array[float]"  # generic for the type checker only until Python 3.12

WIDTH = 128  # hidden size
HEADS = 4
LAYERS = 1
FEED_FORWARD = 64
WINDOW = 512  # tokens of context
SEED = 7

PAD, BOS, EOS, TURN, END = "<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"
MARKERS = ("<|plain|>", "<|call|>", "<|calls|>", "<|think|>", "<|accent|>", "<|forever|>")
SPECIAL = (PAD, BOS, EOS, TURN, END, *MARKERS)
MERGES = (("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "w"), ("o", "r"))

# Each token has one successor, so no token may stand in two chains, and none is longer than 31 bytes (llama-cpp-python
# detokenizes into a buffer of 32). Accents: e-acute is C3 A9, the euro sign E2 82 AC.
CHAINS: tuple[tuple[str, ...], ...] = (
    ("<|plain|>", "Hello", " from", " the", " tiny", " model", "!", END),
    (
        "<|call|>",
        "<tool_call>",
        '\n{"name": "',
        'look_up", ',
        '"arguments": {',
        '"city": "',
        'Bern"}}\n',
        "</tool_call>",
        END,
    ),
    (
        "<|calls|>",
        "<tool_call>\n",
        '{"name": "look_up", ',
        '"arguments": {"city": "',
        'Thun"}}\n</tool_call>\n',
        '<tool_call>\n{"name": "weigh", ',
        '"arguments": {"item": "',
        'salt"}}',
        "\n</tool_call>",
        END,
    ),
    ("<|think|>", "<think>", "Is", " it", " so?", "</think>", "Yes", ".", END),
    ("<|accent|>", "Ã", "©", "â", "Ĥ", "¬", " fine", END),
    ("<|forever|>", " on", " and", " on"),
)

CHAT_TEMPLATE = (
    "{%- set last = namespace(said='') %}"
    "{%- if tools %}<|im_start|>system\nTools: {{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{%- for m in messages %}"
    "{%- set text = namespace(all='') %}"
    "{%- if m.content is string %}{% set text.all = m.content %}"
    "{%- elif m.content %}{% for p in m.content %}{% set text.all = text.all + (p.text or '') %}{% endfor %}{% endif %}"
    "{%- if m.role == 'user' %}{% set last.said = text.all %}{% endif %}"
    "{{ '<|im_start|>' + m.role + '\n' + text.all + '<|im_end|>\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{%- if last.said == 'go on for ever' %}<|forever|>"
    "{%- elif last.said == 'think first' %}<|think|>"
    "{%- elif last.said == 'use accents' %}<|accent|>"
    "{%- elif tools and messages[-1].role != 'tool' %}{{ '<|calls|>' if 'weigh' in last.said else '<|call|>' }}"
    "{%- else %}<|plain|>{% endif %}{% endif %}"
)

# How `transformers serve` finds thoughts and tool calls in the text, in its own notation.
RESPONSE_TEMPLATE: dict[str, object] = {
    "defaults": {"role": "assistant"},
    "start_anchor_pattern": r"<\|im_start\|>assistant\n(?:<\|\w+\|>)?",
    "fields": {
        "reasoning_content": {"open": "<think>", "close": "</think>", "content": "text"},
        "tool_calls": {
            "open_pattern": r"\s*<tool_call>",
            "close": "</tool_call>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close_pattern": r"\s*<\|im_end\|>", "content": "text"},
    },
}


def byte_alphabet() -> list[str]:
    """The printable stand-in of each byte in byte-level BPE, indexed by byte (the GPT-2 table)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = iter(range(256, 512))
    return [chr(byte) if byte in shown else chr(next(hidden)) for byte in range(256)]


@dataclass(frozen=True)
class Vocabulary:
    """Token ids in order: specials, bytes, merges, phrases, then unused places up to a multiple of 64."""

    special: tuple[str, ...]
    plain: tuple[str, ...]  # bytes and merges: the BPE model's own
    phrases: tuple[str, ...]

    @property
    def size(self) -> int:
        used = len(self.special) + len(self.plain) + len(self.phrases)
        return used + -used % 64

    @property
    def ids(self) -> dict[str, int]:
        return {token: place for place, token in enumerate((*self.special, *self.plain, *self.phrases))}


def vocabulary() -> Vocabulary:
    plain = (*byte_alphabet(), *(left + right for left, right in MERGES))
    known = {*SPECIAL, *plain}
    phrases = dict.fromkeys(token for chain in CHAINS for token in chain if token not in known)
    return Vocabulary(SPECIAL, plain, tuple(phrases))


def successors(words: Vocabulary) -> dict[int, int]:
    """Which token follows which: the chains, and for all others a walk over printable characters without end."""
    ids = words.ids
    follows = {ids[a]: ids[b] for chain in CHAINS for a, b in pairwise(chain)}
    walk = [ids[chr(byte)] for byte in range(ord("a"), ord("z") + 1)]
    random.Random(SEED).shuffle(walk)
    follows.update((a, b) for a, b in pairwise([*walk, walk[0]]))
    loose = [place for place in range(words.size) if place not in follows]
    follows.update((place, walk[index % len(walk)]) for index, place in enumerate(loose))
    return follows


def _table(words: Vocabulary) -> tuple[Floats, Floats]:
    """`embed_tokens` and `lm_head`, rows of WIDTH: the right successor scores 32, the others stay below 18.

    Element 0 of each embedding is 1, so `lm_head`'s element 0 is a bias: under a grammar's mask the model closes
    quotes and braces early and never pads with blanks.
    """
    chance = random.Random(SEED)
    rows = [[1.0, *(chance.choice((-1.0, 1.0)) for _ in range(WIDTH - 1))] for _ in range(words.size)]
    scale = 0.25
    heads = [[0.0] * WIDTH for _ in range(words.size)]
    for token, successor in successors(words).items():
        for element in range(1, WIDTH):
            heads[successor][element] += scale * rows[token][element]
    ids = words.ids
    for blank_or_closer, bias in (
        ('"', 8.0),
        ("}", 8.0),
        ("]", 8.0),
        ("Ġ", -15.0),
        ("Ċ", -15.0),
        ("ĉ", -15.0),
        ("č", -15.0),
    ):
        heads[ids[blank_or_closer]][0] = bias
    return array("f", (x for row in rows for x in row)), array("f", (x for row in heads for x in row))


@dataclass(frozen=True)
class Tensor:
    shape: tuple[int, ...]
    values: Floats  # float32, row-major


def tensors(words: Vocabulary) -> dict[str, Tensor]:
    """Every weight under its Hugging Face name."""
    embed, head = _table(words)
    ones = Tensor((WIDTH,), array("f", [1.0] * WIDTH))
    weights = {
        "model.embed_tokens.weight": Tensor((words.size, WIDTH), embed),
        "model.norm.weight": ones,
        "lm_head.weight": Tensor((words.size, WIDTH), head),
    }
    square, wide, tall = (WIDTH, WIDTH), (FEED_FORWARD, WIDTH), (WIDTH, FEED_FORWARD)
    parts = {f"self_attn.{part}_proj": square for part in "qkvo"}
    parts |= {"mlp.gate_proj": wide, "mlp.up_proj": wide, "mlp.down_proj": tall}
    for layer in range(LAYERS):
        home = f"model.layers.{layer}"
        weights |= {f"{home}.{norm}_layernorm.weight": ones for norm in ("input", "post_attention")}
        for part, shape in parts.items():
            weights[f"{home}.{part}.weight"] = Tensor(shape, array("f", bytes(4 * shape[0] * shape[1])))
    return weights
