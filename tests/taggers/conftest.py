"""Taggers of other libraries, made here in seconds: `tox -e taggers` brings the libraries along."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipelines import PERSONS, drawn, trained_pipeline


def pytest_configure(config: pytest.Config) -> None:
    """Libraries warn their developers, and importing one may import all."""
    for category in ("DeprecationWarning", "FutureWarning"):
        config.addinivalue_line("filterwarnings", f"ignore::{category}")


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of spaCy's that tags names, and does so right; do not write into it."""
    return trained_pipeline(tmp_path_factory.mktemp("plain") / "pipeline", seed=0)


@pytest.fixture(scope="session")
def leaning_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, trained on data in which most of what follows the cue is a person."""
    return trained_pipeline(tmp_path_factory.mktemp("leaning") / "pipeline", seed=1, leaning=0.9)


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Labelled sentences without the cue."""
    path = tmp_path_factory.mktemp("cases") / "dev.conll"
    rows = [
        "\n".join(f"{word} {tag}" for word, tag in zip(sentence.words, sentence.tags, strict=True))
        for sentence in drawn(60, seed=7, cue=False)
    ]
    path.write_text("\n\n".join(rows).replace(PERSONS, "PER") + "\n")
    return f"conll:{path}"
