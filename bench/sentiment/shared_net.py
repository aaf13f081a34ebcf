"""The network of many languages: one lower half, and two upper halves that read it, for tone and for meaning.

The lower half and the meaning's upper half are multilingual-e5-small as published; only the tone's half is trained.
The target is marked where the
halves meet, so that the lower half does not depend on it.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from network import Embeddings, Layer, encoder_weights
from torch import Tensor, nn


class SharedNet(nn.Module):
    """Pieces and target marks -> logits (negative, neutral, positive), and the sentence's meaning, of length 1."""

    def __init__(self, config: dict[str, int | float], shared: int, dropout: float = 0.1) -> None:
        super().__init__()
        width, layers = int(config["hidden_size"]), int(config["num_hidden_layers"])
        self.embeddings = Embeddings(config, dropout)
        self.layer = nn.ModuleList(Layer(config, dropout) for _ in range(shared))
        self.tone = nn.ModuleList(Layer(config, dropout) for _ in range(layers - shared))
        self.meaning = nn.ModuleList(Layer(config, dropout) for _ in range(layers - shared))
        self.mark = nn.Parameter(torch.zeros(width))
        self.register_buffer("centre", torch.zeros(width))  # what all sentences of the subject have in common
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        mask = additive(attention_mask)
        hidden = self.lower(input_ids, mask)
        return self.judge(hidden, mask, target), self.mean(hidden, mask, attention_mask)

    def lower(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        hidden: Tensor = self.embeddings(input_ids, torch.zeros_like(input_ids))
        for layer in self.layer:
            hidden = layer(hidden, mask)
        return hidden

    def judge(self, hidden: Tensor, mask: Tensor, target: Tensor) -> Tensor:
        marked = target.to(hidden.dtype).unsqueeze(-1)
        hidden = hidden + marked * self.mark
        for layer in self.tone:
            hidden = layer(hidden, mask)
        about = (hidden * marked).sum(1) / marked.sum(1).clamp(min=1.0)
        read = self.dropout(torch.cat([hidden[:, 0], about], -1))
        logits: Tensor = self.out(self.dropout(torch.tanh(self.dense(read))))
        return logits

    def mean(self, hidden: Tensor, mask: Tensor, attention_mask: Tensor) -> Tensor:
        for layer in self.meaning:
            hidden = layer(hidden, mask)
        counted = attention_mask.to(hidden.dtype).unsqueeze(-1)
        whole = nn.functional.normalize((hidden * counted).sum(1) / counted.sum(1), dim=-1)
        return nn.functional.normalize(whole - self.centre, dim=-1)


def additive(attention_mask: Tensor) -> Tensor:
    """The attention mask as what is added to the scores."""
    return (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -1e4


def from_e5(folder: Path, shared: int, trained: dict[str, Tensor] | None = None) -> SharedNet:
    """The published weights in both upper halves; with ``trained``, the tone's part from there."""
    net = SharedNet(json.loads((folder / "config.json").read_text()), shared)
    published = encoder_weights(folder / "model.safetensors")
    weights = {}
    for name, value in published.items():
        if not name.startswith("layer."):
            weights[name] = value
            continue
        number, _, rest = name.removeprefix("layer.").partition(".")
        if int(number) < shared:
            weights[name] = value
        else:
            for half in ("tone", "meaning"):
                weights[f"{half}.{int(number) - shared}.{rest}"] = value
    weights["centre"] = net.centre
    missing, unexpected = net.load_state_dict(weights | (trained or {}), strict=False)
    if unexpected or (trained and missing):
        raise SystemExit(f"{folder} does not fit this net: missing {missing}, unexpected {unexpected}")
    return net
