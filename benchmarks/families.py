"""What works for each family of encoders: the outcome of tests/test_families.py here, and the README's table of it.

    python -m benchmarks.families

runs the tests with the installed transformers, keeps their outcome beside those of other versions in
results/families.json, and writes the table between its marks in README.md. A test holds all three together.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "families.json"
START, END = "<!-- families -->\n", "<!-- /families -->"
COLUMNS = {
    "layers complete": ("test_every_layer_is_complete",),
    "words as Captum's": ("test_words_are_captums",),
    "layers and tables as a slow reference": ("test_against_the_slow_reference",),
    "batch as alone": ("test_a_batch_gives_each_what_it_gets_alone", "test_targets_of_one_sentence_at_once"),
    "tags as pipeline's": ("test_tags_are_the_pipelines",),
    "half, resized, left-padded": (
        "test_half_precision_is_read_as_float32",
        "test_added_words_and_resized_embeddings",
        "test_the_padding_side_does_not_matter",
    ),
}

Outcomes = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By version of transformers, variant and test: passed, failed or skipped."""


class Outcome:
    """A pytest plugin that keeps the worst outcome of every test by variant."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> object:
        report = yield
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        variant = parameters.get("subject")
        if variant is not None and (report.when == "call" or not report.passed):
            tests = self.found.setdefault(variant, {})
            name = item.originalname
            if tests.get(name, "passed") == "passed":
                tests[name] = report.outcome
        return report


def table(results: Outcomes, tables: Mapping[str, tuple[str, ...]]) -> str:
    """Markdown, one row a variant; a check stands where the tests passed on every version. `tables` that a variant
    has, by its name.
    """
    lines = [
        f"| family | tables | {' | '.join(COLUMNS)} |",
        f"|---|---|{':-:|' * len(COLUMNS)}",
    ]
    for variant, own in tables.items():
        cells = [_cell(results, variant, tests) for tests in COLUMNS.values()]
        lines.append(f"| {variant} | {', '.join(own).replace('_', ' ')} | {' | '.join(cells)} |")
    versions = " and ".join(results)
    return "\n".join(lines) + f"\n\nOn transformers {versions}.\n"


def _cell(results: Outcomes, variant: str, tests: tuple[str, ...]) -> str:
    outcomes = {
        outcomes_of_tests.get(variant, {}).get(test, "not run")
        for outcomes_of_tests in results.values()
        for test in tests
    }
    return "✓" if outcomes == {"passed"} else ", ".join(sorted(outcomes - {"passed"}))


def read() -> dict[str, dict[str, dict[str, str]]]:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def variants() -> dict[str, tuple[str, ...]]:
    """The tables of every variant that the tests build."""
    sys.path.insert(0, str(ROOT / "tests"))
    from families import FAMILIES

    return {name: family.tables for name, family in FAMILIES.items()}


def main() -> int:
    outcome = Outcome()
    status = pytest.main(["-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "test_families.py")], plugins=[outcome])
    results = {**read(), version("transformers"): outcome.found}
    results = dict(sorted(results.items(), key=lambda entry: [int(part) for part in entry[0].split(".")]))
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{START}{table(results, variants())}{END}{after}", encoding="utf-8")
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main())
