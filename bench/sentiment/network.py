"""The network that is trained and exported: a BERT encoder that is told the target by token type, and a head.

Written in plain torch (no transformers) so that training needs few packages and the exported graph stays simple.
Parameter names are those of BERT checkpoints, so their safetensors files load as they are.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn


class TargetSentimentNet(nn.Module):
    """Pieces with token type 1 on those of the target -> logits (negative, neutral, positive)."""

    def __init__(self, config: dict[str, int | float], dropout: float = 0.1) -> None:
        super().__init__()
        width = int(config["hidden_size"])
        self.embeddings = Embeddings(config, dropout)
        self.layer = nn.ModuleList(Layer(config, dropout) for _ in range(int(config["num_hidden_layers"])))
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        hidden = self.embeddings(input_ids, token_type_ids)
        mask = (1.0 - attention_mask[:, None, None, :].to(hidden.dtype)) * -1e4
        for layer in self.layer:
            hidden = layer(hidden, mask)
        marked = token_type_ids.to(hidden.dtype).unsqueeze(-1)
        target = (hidden * marked).sum(1) / marked.sum(1).clamp(min=1.0)
        read = self.dropout(torch.cat([hidden[:, 0], target], -1))
        return self.out(self.dropout(torch.tanh(self.dense(read))))


class Embeddings(nn.Module):
    """Words + positions + target marks, as in BERT."""

    def __init__(self, config: dict[str, int | float], dropout: float) -> None:
        super().__init__()
        width = int(config["hidden_size"])
        self.word_embeddings = nn.Embedding(int(config["vocab_size"]), width)
        self.position_embeddings = nn.Embedding(int(config["max_position_embeddings"]), width)
        self.token_type_embeddings = nn.Embedding(int(config["type_vocab_size"]), width)
        self.LayerNorm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.dropout = nn.Dropout(dropout)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        places = torch.arange(input_ids.shape[1]).unsqueeze(0)
        summed = self.word_embeddings(input_ids) + self.token_type_embeddings(token_type_ids)
        return self.dropout(self.LayerNorm(summed + self.position_embeddings(places)))


class Layer(nn.Module):
    """One transformer layer, post-norm, as in BERT."""

    def __init__(self, config: dict[str, int | float], dropout: float) -> None:
        super().__init__()
        width, inner = int(config["hidden_size"]), int(config["intermediate_size"])
        self.heads = int(config["num_attention_heads"])
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.attention_out = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        batch, length, width = hidden.shape
        size = width // self.heads

        def split(x: Tensor) -> Tensor:
            return x.view(batch, length, self.heads, size).transpose(1, 2)

        scores = split(self.query(hidden)) @ split(self.key(hidden)).transpose(-1, -2) / math.sqrt(size) + mask
        weights = self.dropout(torch.softmax(scores, -1))
        mixed = (weights @ split(self.value(hidden))).transpose(1, 2).reshape(batch, length, width)
        hidden = self.attention_norm(hidden + self.dropout(self.attention_out(mixed)))
        inner = nn.functional.gelu(self.widen(hidden))
        return self.norm(hidden + self.dropout(self.narrow(inner)))


_NAMES = (
    ("bert.", ""),
    ("encoder.layer.", "layer."),
    ("attention.self.", ""),
    ("attention.output.dense", "attention_out"),
    ("attention.output.LayerNorm", "attention_norm"),
    ("intermediate.dense", "widen"),
    ("output.dense", "narrow"),
    ("output.LayerNorm", "norm"),
)


def from_encoder(folder: Path, weights: dict[str, Tensor] | None = None) -> TargetSentimentNet:
    """A net shaped by ``folder``/config.json: with ``weights``, else with those of a BertModel and a random head."""
    net = TargetSentimentNet(json.loads((folder / "config.json").read_text()))
    if weights is not None:
        net.load_state_dict(weights)
        return net
    missing, unexpected = net.load_state_dict(encoder_weights(folder / "model.safetensors"), strict=False)
    if unexpected or any(not name.startswith(("dense.", "out.")) for name in missing):
        raise SystemExit(f"{folder} is no BERT encoder this net can take: missing {missing}, unexpected {unexpected}")
    return net


def encoder_weights(path: Path) -> dict[str, Tensor]:
    weights = {}
    for name, value in load_file(path).items():
        if "position_ids" in name or name.startswith("pooler"):
            continue
        for old, new in _NAMES:
            name = name.replace(old, new)  # noqa: PLW2901
        weights[name] = value
    return weights
