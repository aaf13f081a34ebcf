"""Turns the trained network of many languages into what the program loads: ONNX, tokenizer, calibrated card.

usage: python bench/sentiment/export_multilingual.py DATA ENCODER TRAINED OUT [--shared 3]
  DATA     shared/data/sentiment; its dev rows (many_languages.py) fit the calibration, the quotations beside it the
  centre of meanings
  ENCODER  folder that e5_encoder.py wrote
  TRAINED  folder that train_multilingual.py wrote
  OUT      monitor/analyse/multilingual_model
needs: torch, onnx, onnxruntime, tokenizers, safetensors, and this project importable
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import torch
from e5_encoder import LANGUAGES as UNDERSTOOD
from export_onnx import EIGHT_BIT_ACTIVATIONS, small_tokenizer, write_card
from many_languages import LANGUAGES, read, split
from news_targets import macro_f1
from onnx import helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from safetensors.torch import load_file
from shared_net import SharedNet, additive, from_e5
from tokenizers import Tokenizer
from train_multilingual import MAX_PIECES

from monitor.analyse.language import normalise
from monitor.analyse.multilingual import Multilingual
from monitor.analyse.onnx_model import NETWORK, TOKENIZER

# scored: measured by evaluate_languages.py, see docs/models.md for each; English has a smaller and faster network of
# its own
MEASURED = ["ru", "de", "uk", "es", "ro", "it", "tr", "hu", "pl", "fr", "pt"]
INPUTS = ("input_ids", "attention_mask", "target")
BLOCK = 32  # of the published four-bit weights, which pass through unchanged
ABOUT = (
    "Target sentiment and meaning in many languages: multilingual-e5-small (MIT), its upper half fine-tuned on "
    "NewsMTSC (MIT), RuSentNE-2023 (MIT) and GerNTSA (CC BY 4.0); see docs/models.md"
)


def main() -> None:
    args = _arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "model.onnx"
        export(args, whole)
        quantise(whole, args.out / NETWORK)
    (args.out / TOKENIZER).write_bytes(small_tokenizer(args.encoder / TOKENIZER))
    card = {
        "about": ABOUT,
        "max_pieces": MAX_PIECES,
        "pad": 1,
        "measured": MEASURED,
        "understands": sorted({normalise(lang) or lang for lang in UNDERSTOOD} | {"bs"}),
        "languages": {lang: dict(PLAIN) for lang in LANGUAGES},
    }
    write_card(args.out, card)
    answers = {}
    for lang in LANGUAGES:
        dev = split(read(args.data, lang), lang)[1]
        logits = Multilingual(args.out).logits([(row.text, row.start, row.end) for row in dev])
        answers[lang] = (logits, [row.label for row in dev])
        card["languages"][lang] = calibrated(*answers[lang])
    together = (
        np.concatenate([logits for logits, _ in answers.values()]),
        [label for _, labels in answers.values() for label in labels],
    )
    card["languages"]["*"] = calibrated(*together)
    # Russian on its own is so shy that it names no polarity at all; like the others it is right on 36 of 47 test rows
    del card["languages"]["ru"]
    write_card(args.out, card)
    for name in (NETWORK, TOKENIZER):
        print(f"{name}: {(args.out / name).stat().st_size:,} bytes")


PLAIN = {"temperature": 1.0, "bias": [0.0, 0.0, 0.0], "decision": [1.0, 1.0, 1.0]}


def export(args: argparse.Namespace, path: Path) -> None:
    """The net as ONNX with 32-bit weights, free in batch and length."""
    net = from_e5(args.encoder, args.shared, load_file(args.trained / "model.safetensors"))
    net.eval()
    net.centre = centre(net, args)
    example = torch.ones(2, 9, dtype=torch.long)
    free = {name: {0: "batch", 1: "length"} for name in INPUTS} | {"logits": {0: "batch"}, "meaning": {0: "batch"}}
    torch.onnx.export(
        net,
        (example,) * 3,
        str(path),
        input_names=list(INPUTS),
        output_names=["logits", "meaning"],
        opset_version=17,
        dynamic_axes=free,
        dynamo=False,
    )


def centre(net: SharedNet, args: argparse.Namespace) -> torch.Tensor:
    """The mean meaning of real quotations, each language alike; without it sayings on one subject are told apart."""
    tokenizer = Tokenizer.from_file(str(args.encoder / TOKENIZER))
    by_lang: dict[str, list[torch.Tensor]] = {}
    with torch.no_grad():
        for line in (args.data.parent / "quotes/dev.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            ids = torch.tensor([tokenizer.encode("query: " + " ".join(record["surface"])).ids[:MAX_PIECES]])
            mask = torch.ones_like(ids)
            by_lang.setdefault(record["lang"], []).append(
                net.mean(net.lower(ids, additive(mask)), additive(mask), mask)[0]
            )
    return torch.stack([torch.stack(found).mean(0) for found in by_lang.values()]).mean(0)


def quantise(source: Path, path: Path) -> None:
    """Published matrices and word vectors in four bits, as published; trained ones in eight, a scale a block of 128."""
    model = onnx.load(source)
    four_bit_words(model)
    trained = [node.name for node in model.graph.node if node.op_type == "MatMul" and "/tone." in node.name]
    trained += [
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm") and node.name.startswith(("/dense", "/out"))
    ]
    published = MatMulNBitsQuantizer(
        model,
        bits=4,
        block_size=BLOCK,
        is_symmetric=True,
        accuracy_level=EIGHT_BIT_ACTIVATIONS,
        nodes_to_exclude=trained,
    )
    published.process()
    learned = MatMulNBitsQuantizer(
        published.model.model, bits=8, block_size=128, is_symmetric=True, accuracy_level=EIGHT_BIT_ACTIVATIONS
    )
    learned.process()
    learned.model.save_model_to_file(str(path))


def four_bit_words(model: onnx.ModelProto) -> None:
    """Replace the table of word vectors by its blocks of 32: four bits a number and a scale, as it was published."""
    graph = model.graph
    table = next(i for i in graph.initializer if i.name == "embeddings.word_embeddings.weight")
    gather = next(node for node in graph.node if node.op_type == "Gather" and node.input[0] == table.name)
    words = numpy_helper.to_array(table)
    blocks = words.reshape(len(words), -1, BLOCK)
    lowest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)[
        ..., 0
    ]  # the number that is -8 scales
    scales = (lowest / -8).astype(np.float32)
    numbers = (
        np.clip(np.rint(blocks / np.where(scales == 0, 1, scales)[..., None]), -8, 7)
        .astype(np.int8)
        .reshape(words.shape)
    )
    error = np.abs(numbers.reshape(blocks.shape) * scales[..., None] - blocks).max()
    print(f"word vectors: largest error of four bits {error:.6f}")
    packed = ((numbers[:, 1::2].astype(np.uint8) & 15) << 4) | (numbers[:, ::2].astype(np.uint8) & 15)
    data = helper.make_tensor("words", onnx.TensorProto.INT4, words.shape, packed.tobytes(), raw=True)
    graph.initializer.append(data)
    graph.initializer.append(numpy_helper.from_array(scales, "words_scales"))
    graph.initializer.remove(table)
    node = helper.make_node(
        "GatherBlockQuantized", ["words", gather.input[1], "words_scales"], list(gather.output), name="words_gather",
        domain="com.microsoft", gather_axis=0, quantize_axis=1, block_size=BLOCK,
    )  # fmt: skip
    at = list(graph.node).index(gather)
    graph.node.remove(gather)
    graph.node.insert(at, node)
    if not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.ir_version = max(model.ir_version, 10)


def calibrated(logits: np.ndarray, labels: list[int]) -> dict[str, object]:
    """Temperature and bias with the least log loss (vector scaling, Guo et al. 2017), and the labels' weights.

    The weights are those with the best macro-F1, by which the likeliest label is chosen.
    """
    truth = np.array(labels)

    def loss(temperature: float, negative: float, positive: float) -> float:
        scaled = logits / temperature + np.array([negative, 0.0, positive])
        top = scaled.max(1)
        return float((top + np.log(np.exp(scaled - top[:, None]).sum(1)) - scaled[np.arange(len(truth)), truth]).mean())

    best = (1.0, 0.0, 0.0)
    for step in (0.2, 0.05, 0.02):
        near = [[best[k] + step * n for n in range(-6, 7)] for k in range(3)]
        best = min(product([max(0.3, t) for t in near[0]], near[1], near[2]), key=lambda point: loss(*point))
    temperature, negative, positive = (round(value, 3) for value in best)
    powers = np.exp(logits / temperature + np.array([negative, 0.0, positive]))
    probabilities = powers / powers.sum(1, keepdims=True)

    def f1(weights: tuple[float, float]) -> float:
        return macro_f1(labels, (probabilities * np.array([weights[0], 1.0, weights[1]])).argmax(1).tolist())[0]

    grid = [math.exp(k / 10) for k in range(-5, 13)]
    # the middle of the ten best, not the best one: a peak on a few hundred rows is mostly chance
    ranked = sorted(product(grid, grid), key=f1, reverse=True)[:10]
    decision = [round(float(np.median([weights[k] for weights in ranked])), 3) for k in range(2)]
    argmax = macro_f1(labels, probabilities.argmax(1).tolist())[0]
    print(f"n={len(labels)} temperature {temperature} bias {negative} {positive} log loss {loss(*best):.3f} "
          f"macro-F1 {100 * argmax:.1f}, with weights {decision}: {100 * f1(tuple(decision)):.1f}")  # fmt: skip
    weights = [decision[0], 1.0, decision[1]]
    return {"temperature": temperature, "bias": [negative, 0.0, positive], "decision": weights}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=int, default=3, help="layers of the lower half, as trained")
    return parser.parse_args()


if __name__ == "__main__":
    main()
