"""Averages the weights of several training runs into one model of the same size ("model soup", Wortsman et al. 2022).

usage: python bench/sentiment/average.py OUT RUN RUN ...
  RUN  folders that train_neural.py (or train_multilingual.py) wrote, all from the same encoder
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    runs = [load_file(run / "model.safetensors") for run in args.runs]
    mean = {name: sum(run[name] for run in runs) / len(runs) for name in runs[0]}
    save_file(mean, args.out / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        if (args.runs[0] / name).exists():  # train_multilingual.py writes the trained part only
            shutil.copy(args.runs[0] / name, args.out)


if __name__ == "__main__":
    main()
