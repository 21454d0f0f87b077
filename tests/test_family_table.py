"""The README's table of families is what the tests of families gave, on every version that was tried."""

from __future__ import annotations

from pathlib import Path

from families import FAMILIES

from benchmarks.families import COLUMNS, END, START, read, table, variants
from interp.models.families import FAMILIES as ROWS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_readme_has_the_table_of_the_results() -> None:
    shown = README.split(START)[1].split(END)[0]
    assert shown == table(read(), variants())


def test_every_row_has_a_variant_and_every_variant_has_results() -> None:
    assert {family.kind for family in FAMILIES.values()} == set(ROWS)
    for version, found in read().items():
        assert set(found) == set(FAMILIES), version
        for name, tests in found.items():
            assert {test for column in COLUMNS.values() for test in column} <= set(tests), (version, name)


def test_a_failure_shows() -> None:
    (name, tests), *_ = read()["5.0.0"].items()
    column = COLUMNS["words as Captum's"][0]
    broken = {"5.0.0": {name: {**tests, column: "failed"}}}
    (row,) = [line for line in table(broken, {name: ("word",)}).splitlines() if line.startswith(f"| {name} ")]
    assert [cell.strip() for cell in row.split("|")][3:6] == ["✓", "failed", "✓"]
    assert "not run" in table({"5.0.0": {}}, {name: ("word",)})
