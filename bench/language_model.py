"""Makes monitor/analyse/language_model.zst: py3langid's model, cut to our languages: python bench/language_model.py

To be run again when py3langid brings a new model or ``LANGUAGES`` changes; tests/analyse/test_language.py tells.
"""

from __future__ import annotations

import json
from array import array
from pathlib import Path

import zstandard
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from monitor.analyse import language


def main() -> None:
    """Read the library's model, keep the columns of our languages, write."""
    full = LanguageIdentifier.from_model_file(MODEL_FILE)
    kept = [column for column, code in enumerate(full.nb_classes) if code in language.LANGUAGES]
    values = {
        "weights": full.nb_ptc[:, kept].view("uint16").ravel().tolist(),
        "priors": full.nb_pc[kept].tolist(),
        "next_state": full.tk_nextmove,
        "row": full.tk_row,
        "feature": full.tk_output,
    }
    arrays = {name: array(kind, values[name]) for name, kind in language.ARRAYS.items()}
    header = {
        "languages": [full.nb_classes[column] for column in kept],
        "counts": {name: len(numbers) for name, numbers in arrays.items()},
    }
    content = json.dumps(header).encode() + b"\n" + b"".join(numbers.tobytes() for numbers in arrays.values())
    packed = zstandard.ZstdCompressor(level=19, write_checksum=True).compress(content)
    path = Path(language.__file__).with_name(language.MODEL)
    path.write_bytes(packed)
    print(f"{len(kept)} languages, {len(packed) / 1e6:.1f} MB: {path}")


if __name__ == "__main__":
    main()
