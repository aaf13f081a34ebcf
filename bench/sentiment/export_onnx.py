"""Turns a trained net into what the neural scorer loads: eight-bit ONNX, tokenizer, card with checksums.

usage: python bench/sentiment/export_onnx.py DATA TRAINED OUT
  DATA     folder with newsmtsc_train.jsonl; its dev documents fit the temperature
  TRAINED  folder that train_neural.py wrote
  OUT      monitor/analyse/sentiment/neural_model
needs: torch, onnx, onnx_ir, onnxruntime, tokenizers, safetensors, and this project importable
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from network import from_encoder
from news_targets import accuracy, macro_f1, read, train_and_dev
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from safetensors.torch import load_file
from train_neural import MAX_PIECES

from monitor.analyse.onnx_model import CARD, NETWORK, TOKENIZER
from monitor.analyse.sentiment.neural import EnglishScorer

EIGHT_BIT_ACTIVATIONS = 4  # onnxruntime's name for it
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def main() -> None:
    args = _arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "model.onnx"
        export(args.trained, whole)
        quantise(whole, args.out / NETWORK)
    (args.out / TOKENIZER).write_bytes(small_tokenizer(args.trained / TOKENIZER))
    write_card(args.out, card(temperature=1.0))
    dev = train_and_dev(read(args.data / "newsmtsc_train.jsonl"))[1]
    answers = EnglishScorer(args.out).probabilities([(row.text, row.start, row.end) for row in dev])
    labels = [row.label for row in dev]
    guess = [max(range(3), key=answer.__getitem__) for answer in answers]
    temperature = fit_temperature(answers, labels)
    write_card(args.out, card(temperature))
    f1, right = macro_f1(labels, guess)[0], accuracy(labels, guess)
    print(f"dev n={len(dev)} macro-F1 {100 * f1:.1f} accuracy {100 * right:.1f} temperature {temperature:.2f}")
    for name in (NETWORK, TOKENIZER):
        print(f"{name}: {(args.out / name).stat().st_size:,} bytes")


def export(trained: Path, path: Path) -> None:
    """The net as ONNX with 32-bit weights, free in batch and length."""
    net = from_encoder(trained, load_file(trained / "model.safetensors"))
    net.eval()
    example = torch.ones(2, 9, dtype=torch.long)
    free = {name: {0: "batch", 1: "length"} for name in INPUTS} | {"logits": {0: "batch"}}
    torch.onnx.export(
        net,
        (example,) * 3,
        str(path),
        input_names=list(INPUTS),
        output_names=["logits"],
        opset_version=17,
        dynamic_axes=free,
        dynamo=False,
    )


def quantise(source: Path, path: Path) -> None:
    """Eight-bit weights: embeddings with a scale per table, matrices with a scale per block of 128.

    Blocks, since a scale per column with whole-matrix activations ("dynamic" quantisation) is twice as fast but costs
    about one point of macro-F1; with blocks the probabilities stay within .01 of those of 32 bits.
    """
    halfway = path.with_suffix(".embeddings")
    quantize_dynamic(source, halfway, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["Gather"])
    matrices = MatMulNBitsQuantizer(
        onnx.load(halfway), bits=8, block_size=128, is_symmetric=True, accuracy_level=EIGHT_BIT_ACTIVATIONS
    )
    matrices.process()
    matrices.model.save_model_to_file(str(path))
    halfway.unlink()


def fit_temperature(answers: list[tuple[float, float, float]], labels: list[int]) -> float:
    """The divisor of the logits with the least log loss; logits are told from probabilities up to a constant."""
    logits = [[math.log(max(p, 1e-9)) for p in answer] for answer in answers]

    def loss(temperature: float) -> float:
        total = 0.0
        for row, label in zip(logits, labels, strict=True):
            scaled = [value / temperature for value in row]
            total += math.log(sum(map(math.exp, scaled))) - scaled[label]
        return total

    return min((step / 100 for step in range(50, 300)), key=loss)


def card(temperature: float) -> dict[str, object]:
    """What the scorer must know."""
    return {
        "about": "Target sentiment, all-MiniLM-L6-v2 (Apache-2.0) fine-tuned on NewsMTSC (MIT); see docs/models.md",
        "languages": ["en"],
        "max_pieces": MAX_PIECES,
        "temperature": temperature,
    }


def write_card(folder: Path, content: Mapping[str, object]) -> None:
    """``model.json``: the content, and the checksums that are compared at load."""
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (NETWORK, TOKENIZER)}
    (folder / CARD).write_text(json.dumps({**content, "sha256": sums}, indent=1) + "\n", encoding="utf-8")


def small_tokenizer(path: Path) -> bytes:
    """The tokenizer without padding and truncation, which the scorer does itself, on one line."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content["padding"] = content["truncation"] = None
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
