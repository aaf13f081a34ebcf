"""Trains the tone's half of the network of many languages on NewsMTSC, RuSentNE and GerNTSA; one CPU is enough.

usage: python bench/sentiment/train_multilingual.py DATA ENCODER OUT [--epochs 8] [--shared 6]
  DATA     shared/data/sentiment
  ENCODER  folder that e5_encoder.py wrote
  OUT      gets model.safetensors: the trained part, averaged over the last steps
What the lower half says of each sentence is computed once and kept in memory, since it does not learn.
needs: torch, tokenizers, safetensors
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from many_languages import LANGUAGES, own_rows, read, split
from news_targets import Row, macro_f1
from safetensors.torch import load_file, save_file
from shared_net import SharedNet, additive, from_e5
from tokenizers import Tokenizer
from torch import Tensor

from monitor.analyse.onnx_model import window

MAX_PIECES = 112
BATCH = 16
AVERAGE_DECAY = 0.998  # of the exponential moving average of the weights, per step


@dataclass
class Example:
    """One row as the upper half sees it."""

    lang: str
    label: int
    hidden: Tensor  # pieces x width, 16 bits
    marks: Tensor  # pieces
    weight: float


def main() -> None:
    args = _arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(args.encoder / "tokenizer.json"))
    net = from_e5(args.encoder, args.shared, load_file(args.init / "model.safetensors") if args.init else None)
    for name, parameter in net.named_parameters():
        parameter.requires_grad = not name.startswith(("embeddings.", "layer.", "meaning."))
    train: list[Example] = []
    dev: dict[str, list[Example]] = {}
    began = time.time()
    for lang in LANGUAGES:
        parts = split(read(args.data, lang), lang)
        chosen = random.Random(args.seed).sample(parts[0], round(args.published * len(parts[0])))
        train += prepare(net, tokenizer, chosen, lang, args.polar_weight)
        dev[lang] = prepare(net, tokenizer, parts[1], lang, 0.0)
    print(f"{len(train)} rows read in {time.time() - began:.0f} s", flush=True)
    own_dev: list[Example] = []
    for lang, (taught, measured) in own_rows(args.data.parent).items():
        train += args.own * prepare(net, tokenizer, taught, lang, args.polar_weight) if taught else []
        own_dev += prepare(net, tokenizer, measured, lang, 0.0)
    dev["own"] = own_dev
    args.out.mkdir(parents=True, exist_ok=True)
    learn(net, train, dev, args)


def prepare(net: SharedNet, tokenizer: Tokenizer, rows: list[Row], lang: str, polar_weight: float) -> list[Example]:
    """What the lower half makes of the rows. Rare labels of a language weigh more, by ``polar_weight`` from 0 to 1."""
    counts = Counter(row.label for row in rows)
    pieces = []
    for row in rows:
        encoded = tokenizer.encode(row.text)
        marks = [int(b > a and a < row.end and b > row.start) for a, b in encoded.offsets]
        pieces.append(window(encoded.ids, marks, MAX_PIECES))
    found: list[Example | None] = [None] * len(rows)
    order = sorted(range(len(rows)), key=lambda i: len(pieces[i][0]))
    net.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for k in range(0, len(order), 32):
            chosen = order[k : k + 32]
            ids, mask = _padded([pieces[i][0] for i in chosen])
            hidden = net.lower(ids, additive(mask)).to(torch.bfloat16)
            for row, i in enumerate(chosen):
                weight = (len(rows) / (3 * counts[rows[i].label])) ** polar_weight
                size = len(pieces[i][0])
                found[i] = Example(lang, rows[i].label, hidden[row, :size].clone(), torch.tensor(pieces[i][1]), weight)
    return [one for one in found if one is not None]


def learn(net: SharedNet, train: list[Example], dev: dict[str, list[Example]], args: argparse.Namespace) -> None:
    """AdamW, cosine schedule, layer-wise falling rates, label smoothing, moving average; saves after each epoch."""
    optimiser = torch.optim.AdamW(_groups(net, args.lr, args.layer_decay))
    peaks = [group["lr"] for group in optimiser.param_groups]
    learned = {name: p for name, p in net.named_parameters() if p.requires_grad}
    average = {name: p.detach().clone() for name, p in learned.items()}
    per_epoch = math.ceil(len(train) / BATCH)
    steps, step, running = args.epochs * per_epoch, 0, 1.0
    began = time.time()
    for epoch in range(args.epochs):
        net.train()
        for batch in _batches(train, random.Random(args.seed * 1000 + epoch)):
            rate = min(1.0, (step + 1) / (0.08 * steps)) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            loss = _loss(net, batch, args.smoothing)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learned.values(), 1.0)
            optimiser.step()
            step += 1
            keep = min(AVERAGE_DECAY, (1 + step) / (10 + step))
            with torch.no_grad():
                for name, parameter in learned.items():
                    average[name].lerp_(parameter, 1 - keep)
            running = 0.98 * running + 0.02 * loss.item()
            if step % 100 == 0:
                print(f"step {step}/{steps} loss {running:.4f} {time.time() - began:.0f} s", flush=True)
        last = {name: p.detach().clone() for name, p in learned.items()}
        net.load_state_dict(average, strict=False)
        save_file({name: value.contiguous() for name, value in average.items()}, args.out / "model.safetensors")
        f1 = {lang: macro_f1([e.label for e in rows], predict(net, rows)) for lang, rows in dev.items()}
        said = "  ".join(
            f"{lang} {100 * all_:.1f} {[round(100 * x) for x in each]}" for lang, (all_, each) in f1.items()
        )
        print(f"== epoch {epoch + 1} dev macro-F1 {said}", flush=True)
        net.load_state_dict(last, strict=False)


def predict(net: SharedNet, rows: list[Example]) -> list[int]:
    """The most probable label of each row."""
    net.eval()
    guess: list[int] = []
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for k in range(0, len(rows), 32):
            guess += net.judge(*_inputs(rows[k : k + 32])).argmax(-1).tolist()
    return guess


def _loss(net: SharedNet, batch: list[Example], smoothing: float) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net.judge(*_inputs(batch))
    goal = torch.nn.functional.one_hot(torch.tensor([e.label for e in batch]), 3) * (1 - smoothing) + smoothing / 3
    losses = -(goal * torch.log_softmax(logits.float(), -1)).sum(-1)
    weights = torch.tensor([e.weight for e in batch])
    return (losses * weights).sum() / weights.sum()


def _batches(rows: list[Example], chance: random.Random) -> list[list[Example]]:
    """Batches of similar length in random order."""
    rows = list(rows)
    chance.shuffle(rows)
    pools = [sorted(rows[k : k + BATCH * 40], key=lambda e: len(e.marks)) for k in range(0, len(rows), BATCH * 40)]
    batches = [pool[k : k + BATCH] for pool in pools for k in range(0, len(pool), BATCH)]
    chance.shuffle(batches)
    return batches


def _inputs(batch: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    hidden = torch.nn.utils.rnn.pad_sequence([e.hidden for e in batch], batch_first=True).float()
    marks = torch.nn.utils.rnn.pad_sequence([e.marks for e in batch], batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(e.marks) for e in batch], batch_first=True)
    return hidden, additive(mask), marks


def _padded(ids: list[list[int]]) -> tuple[Tensor, Tensor]:
    length = max(map(len, ids))
    return (
        torch.tensor([i + [1] * (length - len(i)) for i in ids]),
        torch.tensor([[1] * len(i) + [0] * (length - len(i)) for i in ids]),
    )


def _groups(net: SharedNet, rate: float, decay: float) -> list[dict[str, object]]:
    """Lower layers learn slower by ``decay`` a layer, the head and the target mark five times as fast."""
    depth = len(net.tone)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            in_layer = name.startswith("tone.")
            own = rate * decay ** (depth - 1 - int(name.split(".")[1])) if in_layer else rate * 5
            weight_decay = 0.0 if name.endswith("bias") or "norm" in name or name == "mark" else 0.01
            groups.setdefault((own, weight_decay), []).append(parameter)
    return [{"params": params, "lr": own, "weight_decay": wd} for (own, wd), params in groups.items()]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--shared", type=int, default=6, help="layers of the lower half")
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--layer-decay", type=float, default=0.9)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument(
        "--polar-weight", type=float, default=0.5, help="1: all labels of a language count alike; 0: as they come"
    )
    parser.add_argument("--published", type=float, default=1.0, help="share of the published sets that is learned")
    parser.add_argument(
        "--own", type=int, default=0, help="how often the sentences of tone_labels.jsonl are seen in an epoch"
    )
    parser.add_argument("--init", type=Path, help="folder of an earlier run to go on from")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
