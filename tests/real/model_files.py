"""Writes the tiny model as Hugging Face folder, GGUF file and LoRA adapter: `python -m tests.real.model_files DIR`.

Standard library only. Formats: safetensors (8-byte length, JSON header, raw data), `tokenizer.json` of the tokenizers
library, GGUF version 3 (header, key-values, tensor infos, data aligned to 32), PEFT's adapter folder.
"""

import json
import random
import struct
import sys
from array import array
from pathlib import Path

from tests.real.tiny_model import (
    BOS,
    CHAT_TEMPLATE,
    END,
    FEED_FORWARD,
    HEADS,
    LAYERS,
    MERGES,
    PAD,
    RESPONSE_TEMPLATE,
    SEED,
    TURN,
    WIDTH,
    WINDOW,
    Tensor,
    Vocabulary,
    tensors,
    vocabulary,
)

EPSILON = 1e-5
LORA_RANK = 8
GGUF_ALIGNMENT = 32
# GGUF value types and token types, as numbered by the format.
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5

GGUF_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
GGUF_PARTS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def save_safetensors(path: Path, weights: dict[str, Tensor]) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, tensor in weights.items():
        size = 4 * len(tensor.values)
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t.values.tobytes() for t in weights.values()))


def _added(place: int, content: str, *, special: bool) -> dict[str, object]:
    sides = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": place, "content": content, "special": special, **sides}


def _tokenizer(words: Vocabulary) -> dict[str, object]:
    ids = words.ids
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            *(_added(ids[token], token, special=True) for token in words.special),
            *(_added(ids[token], token, special=False) for token in words.phrases),
        ],
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: ids[token] for token in (*words.special, *words.plain)},
            "merges": [list(pair) for pair in MERGES],
        },
    }


def _config(words: Vocabulary) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": words.size,
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": WIDTH // HEADS,
        "hidden_act": "silu",
        "max_position_embeddings": WINDOW,
        "rms_norm_eps": EPSILON,
        "rope_theta": 10000.0,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": False,
        "bos_token_id": words.ids[BOS],
        "eos_token_id": words.ids[END],
        "pad_token_id": words.ids[PAD],
        "dtype": "float32",
        "torch_dtype": "float32",
    }


def save_hugging_face(folder: Path) -> None:
    words = vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    save_safetensors(folder / "model.safetensors", tensors(words))
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    config = _config(words)
    documents = {
        "config.json": config,
        "generation_config.json": {name: config[name] for name in names},
        "tokenizer.json": _tokenizer(words),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BOS,
            "eos_token": END,
            "pad_token": PAD,
            "additional_special_tokens": [TURN],
            "model_max_length": WINDOW,
            "clean_up_tokenization_spaces": False,
            "response_template": RESPONSE_TEMPLATE,
        },
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=1), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def save_hub_cache(folder: Path) -> None:
    """A cache of the model hub that knows the model by name: what `transformers serve` lists."""
    revision = "0" * 40
    home = folder / "models--tiny"
    (home / "refs").mkdir(parents=True, exist_ok=True)
    (home / "refs" / "main").write_text(revision, encoding="utf-8")
    snapshot = home / "snapshots" / revision
    snapshot.mkdir(parents=True, exist_ok=True)
    (snapshot / "config.json").write_text(json.dumps(_config(vocabulary())), encoding="utf-8")


def save_lora(folder: Path) -> None:
    """A random rank-8 adapter. It changes no answer (the model has no attention to adapt); loading it is the point."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(SEED)
    weights = {}
    for layer in range(LAYERS):
        for part in ("q_proj", "v_proj"):
            home = f"base_model.model.model.layers.{layer}.self_attn.{part}"
            for side, shape in (("A", (LORA_RANK, WIDTH)), ("B", (WIDTH, LORA_RANK))):
                values = array("f", (chance.gauss(0, 1) for _ in range(shape[0] * shape[1])))
                weights[f"{home}.lora_{side}.weight"] = Tensor(shape, values)
    save_safetensors(folder / "adapter_model.safetensors", weights)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": LORA_RANK,
        "lora_alpha": 16,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": ["q_proj", "v_proj"],
        "base_model_name_or_path": "tiny",
        "inference_mode": True,
        "modules_to_save": None,
        "use_dora": False,
        "use_rslora": False,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _pair(key: str, kind: int, value: bytes) -> bytes:
    return _text(key) + struct.pack("<I", kind) + value


def _texts(key: str, values: list[str]) -> bytes:
    return _pair(key, ARRAY, struct.pack("<IQ", STRING, len(values)) + b"".join(map(_text, values)))


def _gguf_pairs(words: Vocabulary) -> list[bytes]:
    ids = words.ids
    tokens = [*words.special, *words.plain, *words.phrases]
    types = [CONTROL] * len(words.special) + [NORMAL] * len(words.plain) + [USER_DEFINED] * len(words.phrases)
    spare = words.size - len(tokens)
    types += [UNUSED] * spare
    numbers = {
        "llama.context_length": WINDOW,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": FEED_FORWARD,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": HEADS,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.vocab_size": words.size,
        "llama.pooling_type": 1,  # embeddings are the mean over the tokens
        "general.file_type": 0,
        "tokenizer.ggml.bos_token_id": ids[BOS],
        "tokenizer.ggml.eos_token_id": ids[END],
        "tokenizer.ggml.padding_token_id": ids[PAD],
    }
    texts = {
        "general.architecture": "llama",
        "general.name": "tiny",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }
    return [
        *(_pair(key, STRING, _text(value)) for key, value in texts.items()),
        *(_pair(key, U32, struct.pack("<I", value)) for key, value in numbers.items()),
        _pair("llama.attention.layer_norm_rms_epsilon", F32, struct.pack("<f", EPSILON)),
        _pair("tokenizer.ggml.add_bos_token", BOOL, b"\0"),
        _texts("tokenizer.ggml.tokens", [*tokens, *(f"<unused{n}>" for n in range(spare))]),
        _texts("tokenizer.ggml.merges", [" ".join(pair) for pair in MERGES]),
        _pair("tokenizer.ggml.token_type", ARRAY, struct.pack(f"<IQ{len(types)}i", I32, len(types), *types)),
    ]


def _gguf_name(name: str) -> str:
    if name in GGUF_NAMES:
        return GGUF_NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{GGUF_PARTS[rest.removesuffix('.weight')]}.weight"


def save_gguf(path: Path) -> None:
    """The same model for llama.cpp. Its interleaved query and key layout needs no permuting here: they are zero."""
    words = vocabulary()
    pairs, infos, data = _gguf_pairs(words), b"", b""
    weights = tensors(words)
    for name, tensor in weights.items():
        shape = tensor.shape[::-1]  # GGUF names the fastest dimension first
        infos += _text(_gguf_name(name)) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += tensor.values.tobytes()
        data += b"\0" * (-len(data) % GGUF_ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(weights), len(pairs)) + b"".join(pairs) + infos
    path.write_bytes(head + b"\0" * (-len(head) % GGUF_ALIGNMENT) + data)


def save_all(folder: Path) -> None:
    """`folder`/tiny, `folder`/tiny.gguf, `folder`/lora and `folder`/hub."""
    folder.mkdir(parents=True, exist_ok=True)
    save_hugging_face(folder / "tiny")
    save_gguf(folder / "tiny.gguf")
    save_lora(folder / "lora")
    save_hub_cache(folder / "hub")


if __name__ == "__main__":
    save_all(Path(sys.argv[1]))
