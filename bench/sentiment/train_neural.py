"""Fine-tunes a small BERT encoder on NewsMTSC for the neural scorer; one CPU is enough, in about an hour.

usage: python bench/sentiment/train_neural.py DATA ENCODER OUT [--epochs 5] [--until HH:MM] [--init RUN]
  DATA     folder with newsmtsc_train.jsonl
  ENCODER  folder with config.json, model.safetensors, tokenizer.json of all-MiniLM-L6-v2
  OUT      gets checkpoint.pt (everything, to go on from after a stop) and model.safetensors (the averaged weights)
The learning rate falls by a cosine over the planned steps, or faster where the clock (--until, UTC) cuts them short.
needs: torch, tokenizers, safetensors
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import torch
from network import TargetSentimentNet, from_encoder
from news_targets import LABELS, Row, macro_f1, read, train_and_dev
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

NEUTRAL = LABELS.index("neutral")
MAX_PIECES = 96
BATCH = 16
AVERAGE_DECAY = 0.998  # of the exponential moving average of the weights, per step
CHECKPOINT_EVERY_S = 480


def main() -> None:
    args = _arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(args.encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    rows, dev = train_and_dev(read(args.data / "newsmtsc_train.jsonl"))
    net = from_encoder(args.encoder, load_file(args.init / "model.safetensors") if args.init else None)
    net.embeddings.word_embeddings.weight.requires_grad = False  # words never seen in training keep their place
    weights = _weights(rows, args)
    run = Run(net, args, steps=args.epochs * math.ceil(len(rows) / BATCH))
    args.out.mkdir(parents=True, exist_ok=True)
    shutil.copy(args.encoder / "tokenizer.json", args.out)
    shutil.copy(args.encoder / "config.json", args.out)
    run.resume()
    print(f"train {len(rows)} dev {len(dev)} steps {run.steps} from {run.step} until {args.until}", flush=True)
    per_epoch = math.ceil(len(rows) / BATCH)
    while run.step < run.steps and not run.out_of_time():
        epoch = run.step // per_epoch
        plan = list(_batches(rows, tokenizer, args, args.seed * 1000 + epoch))
        for batch in plan[run.step % per_epoch :]:
            inputs, labels = _tensors([rows[i] for i, _ in batch], [pieces for _, pieces in batch])
            run.learn(inputs, labels, torch.tensor([weights[i] for i, _ in batch]))
            if run.out_of_time():
                break
        run.save()
        for name, candidate in (("last", run.net), ("averaged", run.averaged())):
            f1, each = macro_f1([row.label for row in dev], predict(candidate, tokenizer, dev))
            print(
                f"== step {run.step} dev macro-F1 {100 * f1:.2f} {name} {[round(100 * x, 1) for x in each]}", flush=True
            )


class Run:
    """Net, optimiser, moving average and clock of one training, kept in a checkpoint."""

    def __init__(self, net: TargetSentimentNet, args: argparse.Namespace, steps: int) -> None:
        self.net, self.args, self.steps, self.step, self.spent_s = net, args, steps, 0, 0.0
        self.optimiser = torch.optim.AdamW(_groups(net, args.lr, args.layer_decay))
        self.peaks = [group["lr"] for group in self.optimiser.param_groups]
        self.average = {name: p.detach().clone() for name, p in net.named_parameters() if p.requires_grad}
        self.started = self.saved = time.time()
        self.loss = 1.0

    def learn(self, inputs: tuple[Tensor, Tensor, Tensor], labels: Tensor, weights: Tensor) -> None:
        """One step on one batch."""
        for group, peak in zip(self.optimiser.param_groups, self.peaks, strict=True):
            group["lr"] = peak * self._rate()
        self.net.train()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.args.bf16):
            logits = self.net(*inputs)
        goal = 0.9 * torch.nn.functional.one_hot(labels, 3) + 0.1 / 3  # label smoothing
        losses = -(goal * torch.log_softmax(logits.float(), -1)).sum(-1)
        loss = (losses * weights).sum() / weights.sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self._average()
        self.loss = 0.98 * self.loss + 0.02 * loss.item()
        if self.step % 25 == 0:
            print(
                f"step {self.step}/{self.steps} loss {self.loss:.4f} rate {self._rate():.3f} {self._elapsed():.0f}s",
                flush=True,
            )
        if time.time() - self.saved > CHECKPOINT_EVERY_S:
            self.save()

    def out_of_time(self) -> bool:
        return self._clock() >= 1

    def averaged(self) -> TargetSentimentNet:
        """A copy of the net that holds the averaged weights."""
        return from_encoder(self.args.encoder, self.net.state_dict() | self.average)

    def save(self) -> None:
        """Everything for a resume, and the averaged weights for an export."""
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "step": self.step,
            "spent_s": self._elapsed(),
        }
        torch.save(state, self.args.out / "checkpoint.tmp")
        (self.args.out / "checkpoint.tmp").replace(self.args.out / "checkpoint.pt")
        save_file(
            {k: v.contiguous() for k, v in (self.net.state_dict() | self.average).items()},
            self.args.out / "model.safetensors",
        )
        self.saved = time.time()

    def resume(self) -> None:
        path = self.args.out / "checkpoint.pt"
        if path.exists():
            state = torch.load(path)
            self.net.load_state_dict(state["net"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average, self.step, self.spent_s = state["average"], state["step"], state["spent_s"]

    def _average(self) -> None:
        keep = min(AVERAGE_DECAY, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, parameter in self.net.named_parameters():
                if name in self.average:
                    self.average[name].lerp_(parameter, 1 - keep)

    def _elapsed(self) -> float:
        return self.spent_s + time.time() - self.started

    def _clock(self) -> float:
        if self.args.until is None:
            return 0.0
        left = (self.args.until - datetime.now(UTC)).total_seconds()
        return self._elapsed() / max(self._elapsed() + left, 1e-9)

    def _rate(self) -> float:
        done = max(self.step / self.steps, self._clock())
        warm = min(1.0, (self.step + 1) / (0.08 * self.steps))
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def predict(net: TargetSentimentNet, tokenizer: Tokenizer, rows: list[Row]) -> list[int]:
    """The most probable label of each row."""
    net.eval()
    guess = [0] * len(rows)
    pieces = [_pieces(tokenizer, row.text, ((row.start, row.end),)) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: len(pieces[i][0]))
    with torch.no_grad():
        for k in range(0, len(order), 32):
            chosen = order[k : k + 32]
            inputs, _ = _tensors([rows[i] for i in chosen], [pieces[i] for i in chosen])
            for i, label in zip(chosen, net(*inputs).argmax(-1).tolist(), strict=True):
                guess[i] = label
    return guess


def _groups(net: TargetSentimentNet, rate: float, decay: float) -> list[dict[str, object]]:
    """Lower layers learn slower by ``decay`` a layer, the head and the target mark five times as fast."""
    depth = len(net.layer)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in net.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("layer."):
            own = rate * decay ** (depth - 1 - int(name.split(".")[1]))
        elif "token_type" in name or not name.startswith("embeddings"):
            own = rate * 5
        else:
            own = rate * decay**depth
        weight_decay = 0.0 if name.endswith("bias") or "norm" in name.lower() else 0.01
        groups.setdefault((own, weight_decay), []).append(parameter)
    return [{"params": params, "lr": own, "weight_decay": wd} for (own, wd), params in groups.items()]


Pieces = tuple[list[int], list[int]]


def _batches(
    rows: list[Row], tokenizer: Tokenizer, args: argparse.Namespace, seed: int
) -> Iterator[list[tuple[int, Pieces]]]:
    """Batches of similar length in random order; each time other mentions of the target may be marked along."""
    chance = random.Random(seed)
    items = []
    for i, row in enumerate(rows):
        spans = [(row.start, row.end)]
        if row.further and chance.random() < 0.3:
            spans += row.further
        items.append((i, _pieces(tokenizer, row.text, tuple(spans))))
    mask = tokenizer.token_to_id("[MASK]")
    items = [(i, _beside(pieces, items, chance, args.neighbours)) for i, pieces in items]
    items = [(i, _hide(pieces, mask, chance, args.hidden_words)) for i, pieces in items]
    chance.shuffle(items)
    pools = [
        sorted(items[k : k + BATCH * 40], key=lambda item: len(item[1][0])) for k in range(0, len(items), BATCH * 40)
    ]
    batches = [pool[k : k + BATCH] for pool in pools for k in range(0, len(pool), BATCH)]
    chance.shuffle(batches)
    yield from batches


def _beside(pieces: Pieces, others: list[tuple[int, Pieces]], chance: random.Random, share: float) -> Pieces:
    """Sometimes the sentence with another one before or after it, where both fit."""
    if chance.random() >= share:
        return pieces
    ids, marks = pieces
    other = chance.choice(others)[1][0]
    if len(ids) + len(other) > MAX_PIECES:
        return pieces
    if chance.random() < 0.5:
        return ids[:-1] + other[1:], marks[:-1] + [0] * (len(other) - 1)
    return other[:-1] + ids[1:], [0] * (len(other) - 1) + marks[1:]


def _hide(pieces: Pieces, mask: int, chance: random.Random, share: float) -> Pieces:
    """The sentence with some pieces masked, none of the target's, so that it is not learned by heart."""
    ids, marks = pieces
    last = len(ids) - 1

    def hidden(place: int) -> bool:
        return 0 < place < last and not marks[place] and chance.random() < share

    return [mask if hidden(place) else number for place, number in enumerate(ids)], marks


def _weights(rows: list[Row], args: argparse.Namespace) -> list[float]:
    """Targets of sentences with several weigh more: we meet them often (talks, country, NATO), training holds few.

    A neutral target beside a polar one teaches most, and the training set holds fewer of them than news does.
    """
    targets = Counter(row.text for row in rows)

    def weight(row: Row) -> float:
        return 1.0 if targets[row.text] == 1 else args.neutral_of_several if row.label == NEUTRAL else args.of_several

    return [weight(row) for row in rows]


def _pieces(tokenizer: Tokenizer, text: str, spans: tuple[tuple[int, int], ...]) -> Pieces:
    encoded = tokenizer.encode(text)
    marks = [int(b > a and any(a < end and b > start for start, end in spans)) for a, b in encoded.offsets]
    ids = encoded.ids
    if len(ids) > MAX_PIECES:  # a window around the target
        first = marks.index(1) if 1 in marks else 0
        begin = max(1, min(first - MAX_PIECES // 2, len(ids) - MAX_PIECES + 1))
        ids = [ids[0], *ids[begin : begin + MAX_PIECES - 2], ids[-1]]
        marks = [0, *marks[begin : begin + MAX_PIECES - 2], 0]
    return ids, marks


def _tensors(rows: list[Row], pieces: list[Pieces]) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    length = max(len(ids) for ids, _ in pieces)
    ids = torch.tensor([i + [0] * (length - len(i)) for i, _ in pieces])
    marks = torch.tensor([m + [0] * (length - len(m)) for _, m in pieces])
    mask = torch.tensor([[1] * len(i) + [0] * (length - len(i)) for i, _ in pieces])
    return (ids, mask, marks), torch.tensor([row.label for row in rows])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, default=8e-5)
    parser.add_argument("--layer-decay", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", type=_clock_time, help="HH:MM in UTC, the next such moment")
    parser.add_argument("--init", type=Path, help="folder of an earlier run whose averaged weights to start from")
    parser.add_argument("--neighbours", type=float, default=0.25, help="share of examples put beside another sentence")
    parser.add_argument("--hidden-words", type=float, default=0.08, help="share of pieces outside the target masked")
    parser.add_argument("--of-several", type=float, default=1.5, help="weight of targets in sentences with several")
    parser.add_argument("--neutral-of-several", type=float, default=3.0, help="the same for neutral ones")
    parser.add_argument("--bf16", action="store_true", help="faster on CPUs that have it")
    return parser.parse_args()


def _clock_time(text: str) -> datetime:
    hour, minute = map(int, text.split(":"))
    now = datetime.now(UTC)
    at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return at if at > now else at + timedelta(days=1)


if __name__ == "__main__":
    main()
