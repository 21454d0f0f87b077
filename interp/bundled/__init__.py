"""The two models that ship with the package: weights, model cards and the recipes that made them.

`open` is a small English tagger (PER, LOC, ORG) trained on openly licensed corpora; `planted` is a 12-layer
model of a cue grammar, so the true explanation of its tags is known. Importing this module loads no torch.
"""

from pathlib import Path

from interp.errors import InputError

__all__ = ["NAMES", "directory"]

NAMES: tuple[str, ...] = ("open", "planted")


def directory(name: str) -> Path:
    """Folder with config.json, model.safetensors, the tokenizer and the card of the bundled model `name`."""
    if name not in NAMES:
        raise InputError(f"no bundled model is called {name!r}; there are: {', '.join(NAMES)}")
    return Path(__file__).parent / "weights" / name
