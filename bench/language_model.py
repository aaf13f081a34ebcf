"""Makes monitor/analyse/language_model.npz.zst: py3langid's model for our languages: python bench/language_model.py

To be run again when py3langid brings a new model or ``LANGUAGES`` changes; tests/analyse/test_language.py tells.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import zstandard
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from monitor.analyse import language


def main() -> None:
    """Read the library's model, keep the columns of our languages, write."""
    full = LanguageIdentifier.from_model_file(MODEL_FILE)
    kept = [column for column, code in enumerate(full.nb_classes) if code in language.LANGUAGES]
    file = io.BytesIO()
    np.savez(
        file,
        weights=full.nb_ptc[:, kept],
        priors=full.nb_pc[kept],
        languages=np.array([full.nb_classes[column] for column in kept]),
        next_state=np.array(full.tk_nextmove, np.uint32),
        row=np.array(full.tk_row, np.uint16),
        feature=np.array(full.tk_output, np.int32),
    )
    packed = zstandard.ZstdCompressor(level=19).compress(file.getvalue())
    path = Path(language.__file__).with_name(language.MODEL)
    path.write_bytes(packed)
    print(f"{len(kept)} languages, {len(packed) / 1e6:.1f} MB: {path}")


if __name__ == "__main__":
    main()
