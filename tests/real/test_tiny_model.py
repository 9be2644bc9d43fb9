"""The model is made by construction; what it promises can be checked without a server."""

import json
import struct
from itertools import chain, pairwise
from pathlib import Path

from tests.real import model_files
from tests.real.tiny_model import CHAINS, END, WIDTH, tensors, vocabulary

words = vocabulary()


def _logits(after: str) -> list[float]:
    weights = tensors(words)
    embed, head = weights["model.embed_tokens.weight"].values, weights["lm_head.weight"].values
    at = words.ids[after] * WIDTH
    last = embed[at : at + WIDTH]
    rows = (head[row * WIDTH : (row + 1) * WIDTH] for row in range(words.size))
    return [sum(a * b for a, b in zip(last, row, strict=True)) for row in rows]


def test_no_token_stands_twice_in_the_chains() -> None:
    follows = list(chain.from_iterable(pairwise(tokens) for tokens in CHAINS if tokens[-1] == END))
    sources = [source for source, _ in follows]

    assert len(sources) == len(set(sources))


def test_no_phrase_is_longer_than_the_shortest_buffer_of_a_server() -> None:
    assert max(len(phrase.encode()) for phrase in words.phrases) < 32


def test_the_successor_wins_by_enough_to_be_sampled_every_time() -> None:
    logits = _logits("<|plain|>")

    best, second = sorted(logits, reverse=True)[:2]
    assert logits.index(best) == words.ids["Hello"]
    assert best - second > 10  # e^-10 for all others together at temperature 1


def test_a_safetensors_header_describes_the_bytes_behind_it(tmp_path: Path) -> None:
    model_files.save_hugging_face(tmp_path)

    raw = (tmp_path / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    assert max(entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_") == len(raw) - 8 - length


def test_a_gguf_file_opens_as_version_3_with_every_tensor(tmp_path: Path) -> None:
    model_files.save_gguf(tmp_path / "tiny.gguf")

    raw = (tmp_path / "tiny.gguf").read_bytes()
    assert struct.unpack("<4sIQ", raw[:16]) == (b"GGUF", 3, len(tensors(words)))
