"""The table of mutants fits the source: every fault can still be made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmarks.mutants import ROOT, read_mutants

MUTANTS = read_mutants(ROOT / "benchmarks/mutants.toml")


def test_every_fault_can_be_made() -> None:
    def stands(path: Path, text: str) -> int:
        return path.read_text(encoding="utf-8").count(text) if path.is_file() else 0

    assert [mutant.name for mutant in MUTANTS if stands(ROOT / mutant.file, mutant.old) != 1] == []
    assert all((ROOT / name).exists() for mutant in MUTANTS for name in mutant.tests)


def test_they_are_spread_over_the_package() -> None:
    assert Counter(mutant.area for mutant in MUTANTS) == dict.fromkeys(
        ("engine", "models", "golden", "gate", "plugin"), 8
    )
    assert len({mutant.name for mutant in MUTANTS}) == 40
