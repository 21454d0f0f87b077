"""Recording commands in processes of their own, to be disturbed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

__all__ = ["begin", "command", "rows", "write_corpus"]

MOST_SECONDS = 240


def write_corpus(folder: Path, sentences: int) -> Path:
    file = folder / "corpus.txt"
    file.write_text("".join(f"Rob met Ann in London at {number}\n" for number in range(sentences)))
    return file


def command(tiny: Path, corpus: Path, folder: Path, *options: str) -> list[str]:
    settings = ["--reference", "pad", "--words-only", "--out", str(folder), *options]
    return [sys.executable, "-m", "interp", "record", "--model", str(tiny), "--corpus", str(corpus), *settings]


def rows(folder: Path) -> list[dict[str, object]]:
    return list(pq.read_table(folder).to_pylist())


def begin(words: list[str], folder: Path, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """A command that is under way, once the first part is there."""
    process = subprocess.Popen(words, stderr=stderr, text=True)
    until = time.monotonic() + MOST_SECONDS
    while not list(folder.glob("part-*.parquet")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)
    return process
