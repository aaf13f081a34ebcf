"""Fits monitor/extract/body_weights.npz: which blocks of a page are article text. Repeatable: same data, same weights.

    python bench/fit_body.py ../shared/data/pages           cross-validation by publisher: what to expect of new pages
    python bench/fit_body.py ../shared/data/pages --write   the same, then fits on all pages and writes the weights

A block's label is whether at least half of its 4-gram shingles stand in the truth; its weight is its share of the
article's words, so that pages count alike. Nets of 48 hidden units (ReLU), dropout .2 on the input, L2, Adam with
falling step, 3 seeds averaged. About a minute; set OPENBLAS_NUM_THREADS=1 on a shared machine.
"""

from __future__ import annotations

import argparse
import gzip
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pages as bench

from monitor.extract import blocks, charset, features, json_ld, metadata, tree
from monitor.extract import body as bodies
from monitor.extract.likelihood import Net

_UNITS, _EPOCHS, _BATCH, _STEP, _L2, _DROPOUT, _SEEDS = 48, 12, 512, 2e-3, 3e-3, 0.2, 3
_FOLDS = 5
_WEIGHTS = Path(__file__).resolve().parents[1] / "monitor" / "extract" / "body_weights.npz"


@dataclass
class Sample:
    """One page with truth."""

    page: dict[str, Any]
    draft: bodies.Draft
    truth: str
    labels: features.Matrix
    weights: features.Matrix

    @property
    def fold(self) -> int:
        return zlib.crc32(self.page["publisher"].encode()) % _FOLDS


def read(data: Path, page: dict[str, Any]) -> Sample | None:
    truth = bench.truth_of(data, page)
    if truth is None:
        return None
    parsed = tree.load(charset.decode(gzip.decompress((data / page["file"]).read_bytes())).text)
    claims = json_ld.read(parsed.json_ld, page["url"])
    layout = blocks.read(parsed.root)
    draft = bodies.draft(parsed, layout, claims, metadata.read(parsed, layout, claims, page["url"]))
    wanted, words = bench.shingles(truth, page["lang"]), _words(truth, page["lang"])
    joined = f" {' '.join(words)} "
    labels, sizes = [], []
    for block in draft.layout.blocks:
        block_words, grams = _words(block.text, page["lang"]), bench.shingles(block.text, page["lang"])
        if len(block_words) >= 4:
            labels.append(sum((grams & wanted).values()) / sum(grams.values()) >= 0.5)
        else:
            labels.append(bool(block_words) and f" {' '.join(block_words)} " in joined)
        sizes.append(min(len(block_words), 400) / max(60, len(words)))
    return Sample(page, draft, truth, np.array(labels, np.float32), np.array(sizes, np.float32) + 0.0005)


def _words(text: str, lang: str) -> list[str]:
    return re.findall(r"\w" if lang in ("zh", "ja", "th") else r"\w+", text)


def fit(samples: Sequence[Sample]) -> Net:
    samples = [sample for sample in samples if len(sample.labels)]
    rows = np.vstack([sample.draft.features for sample in samples])
    labels = np.concatenate([sample.labels for sample in samples])
    weights = np.concatenate([sample.weights for sample in samples])
    weights = np.minimum(weights / weights.mean(), 20)
    mean, scale = rows.mean(0), rows.std(0) + 1e-3
    scaled = np.clip((rows - mean) / scale, -5, 5).astype(np.float32)
    nets = [_train(scaled, labels, weights, seed) for seed in range(_SEEDS)]
    hidden, hidden_bias, output, output_bias = zip(*nets, strict=True)
    return Net(
        mean,
        scale,
        hidden,
        hidden_bias,
        tuple(column[:, 0] for column in output),
        tuple(float(value[0]) for value in output_bias),
    )


def _train(
    rows: features.Matrix, labels: features.Matrix, weights: features.Matrix, seed: int
) -> list[features.Matrix]:
    random = np.random.default_rng(seed)
    width = rows.shape[1]
    parameters = [
        (random.standard_normal((width, _UNITS)) / np.sqrt(width)).astype(np.float32),
        np.zeros(_UNITS, np.float32),
        (random.standard_normal((_UNITS, 1)) / np.sqrt(_UNITS)).astype(np.float32),
        np.zeros(1, np.float32),
    ]
    first, second = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    count = 0
    for epoch in range(_EPOCHS):
        step = _STEP * (1 - epoch / _EPOCHS) + 1e-5
        order = random.permutation(len(rows))
        for start in range(0, len(rows), _BATCH):
            chosen = order[start : start + _BATCH]
            kept = random.random((len(chosen), width), np.float32) > _DROPOUT
            gradients = _gradients(parameters, rows[chosen] * kept / (1 - _DROPOUT), labels[chosen], weights[chosen])
            count += 1
            for i, gradient in enumerate(gradients):
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * gradient**2
                parameters[i] -= step * (first[i] / (1 - 0.9**count)) / (np.sqrt(second[i] / (1 - 0.999**count)) + 1e-8)
    return parameters


def _gradients(
    parameters: list[features.Matrix], rows: features.Matrix, labels: features.Matrix, weights: features.Matrix
) -> list[features.Matrix]:
    hidden, hidden_bias, output, output_bias = parameters
    before = rows @ hidden + hidden_bias
    units = np.maximum(before, 0)
    guess = 1 / (1 + np.exp(-(units @ output + output_bias)[:, 0]))
    error = ((guess - labels) * weights / _BATCH)[:, None]
    back = (error @ output.T) * (before > 0)
    return [rows.T @ back + _L2 * hidden, back.sum(0), units.T @ error + _L2 * output, error.sum(0)]


def score(samples: Sequence[Sample], net_of: Callable[[Sample], Net]) -> bench.Scores:
    scores = bench.Scores()
    for sample in samples:
        text = bodies.finish(sample.draft, net_of(sample)).text
        bench.note(
            scores,
            {**sample.page, "title": None, "date": None, "authors": []},
            sample.truth,
            bench.Reading("", (), "", text),
        )
        scores.seconds.append(0.0)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="fit on all pages and write the weights")
    options = parser.parse_args()
    samples = [sample for page in bench.load(options.data, None) if (sample := read(options.data, page))]
    nets = [fit([sample for sample in samples if sample.fold != fold]) for fold in range(_FOLDS)]
    scores = score(samples, lambda sample: nets[sample.fold])
    result = f"P {bench.mean(scores.precision):.3f} R {bench.mean(scores.recall):.3f} F1 {scores.f1:.3f}"
    print(f"body, cross-validated by publisher: {result}, {len(scores.bad)} of {len(scores.recall)} pages under .5")
    print("  ", *scores.bad)
    if options.write:
        fit(samples).save(str(_WEIGHTS))
        print(f"wrote {_WEIGHTS.name}, {_WEIGHTS.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
