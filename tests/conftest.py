"""What several test modules share: one tiny tagger per session, and one thread for all."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile("no clock", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("no clock")
sys.path.append(str(Path(__file__).resolve().parent.parent))  # for benchmarks.*; an installed interp goes before


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("interp").addoption(
        "--interp-article-model",
        metavar="DIR",
        help="A kamalkraj/BERT-NER checkpoint, the article's: its published table is recomputed and compared.",
    )


def pytest_collection_finish() -> None:
    """What is imported by now stays until the end, torch and all: looking through it for garbage, again and again,
    took a sixth of the suite's processor time.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`--dist loadgroup` hands out files whole, batches of cases apart: models and slow references are made once.

    Marks of groups would do it, but with pytest 9.2 pytest-xdist 3.8 passes over them (pytest-dev/pytest-xdist#1386).
    """
    if config.getoption("dist") != "loadgroup":
        return None
    from interp.testing.schedule import BatchScheduling

    class FileScheduling(BatchScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope = super()._split_scope(nodeid)
            return nodeid.partition("::")[0] if scope == nodeid else scope

    return FileScheduling(config, log)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a tiny random BERT tagger (see tests/tiny.py); do not write into it."""
    from tiny import tagger_directory

    return tagger_directory(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def model64(tiny: Path):
    """The tiny tagger in float64."""
    from interp.explain import load

    return load(tiny, "cpu", "float64")


@pytest.fixture(scope="session")
def model32(tiny: Path):
    """The tiny tagger in float32, as users load it."""
    from interp.explain import load

    return load(tiny, "cpu")
