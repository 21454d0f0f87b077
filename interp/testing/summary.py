"""What pytest shows of goldens beside its own: failing assertions in tests, and the lines at the end of a run."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

import pytest

from interp.errors import OutputError, counted
from interp.project.files import write
from interp.report.failures import FailedCase
from interp.testing.fail import NAME, PAGE, of_golden, rendered, write_page
from interp.testing.session import session_of
from interp.testing.snapshots import FORMER, MOVED, TURNED, GoldenSnapshot

__all__ = ["assertion_lines", "summarise"]


def assertion_lines(config: pytest.Config, left: object, right: object) -> list[str] | None:
    """The message of `assert explanation == golden`: the sentence, for pytest cuts long ones; the rest is a section."""
    golden = left if isinstance(left, GoldenSnapshot) else right
    if not isinstance(golden, GoldenSnapshot) or golden.outcome is None or golden.explanation is None:
        return None
    failure = of_golden(golden.outcome)
    write_page(golden.node, [failure], golden.explanation, golden.outcome.comparison)
    sentence, _, rest = rendered(config, failure, golden.explanation, golden.outcome.comparison).partition("\n")
    golden.node.add_report_section("call", "explanation", rest.strip("\n"))
    return [sentence]


def summarise(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How many goldens were held to their leading words alone, and where the report is; writes the report's index."""
    reports = [report for kind in ("passed", "failed", "xfailed") for report in reporter.stats.get(kind, [])]
    properties = [pair for report in reports for pair in report.user_properties]
    moved = [float(value) for name, value in properties if name == MOVED]
    turned = [str(value) for name, value in properties if name == TURNED]
    former = [value for name, value in properties if name == FORMER]
    cases = _failed_cases(reports)
    lines = []
    run = session_of(config)
    if former:
        models = " ".join(f"--model {name}" for name in dict.fromkeys(former))
        lines.append(
            f"{counted(len(former), 'golden')} accepted under an earlier release's fingerprint, "
            f"which left the configuration out; the numbers were held. To write today's: interp golden migrate {models}"
        )
    if moved:
        accept = "--snapshot-update is refused where CI is set" if run.refused else "To accept them: --snapshot-update"
        lines.append(
            f"{counted(len(moved), 'golden')} of other weights held by tag and leading words; "
            f"their numbers moved by up to {max(moved):.0f} tolerances (not failed). {accept}"
        )
    if turned:
        others = f" (and a word in {counted(len(turned) - 1, 'other golden')})" if turned[1:] else ""
        lines.append(
            f"{turned[0]}{others}: not failed by design, as other weights are held to the leading words alone. "
            'golden_top holds more of them, golden = "strict" every number'
        )
    folder = run.report_folder
    if folder is not None and cases:
        try:
            lines.append(f"report of {counted(len(cases), 'failing case')}: {_write_index(folder, cases)}")
        except OutputError as error:
            lines.append(str(error))
    if lines:
        reporter.section("interp")
        for line in lines:
            reporter.line(line)


def _failed_cases(reports: list[pytest.TestReport]) -> list[FailedCase]:
    """In the order of their pages, with the first lines of their failures."""
    names: dict[str, str] = {}
    sentences: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        properties = dict(report.user_properties)
        if PAGE in properties and report.when == "call":
            page, crash = str(properties[PAGE]), getattr(report.longrepr, "reprcrash", None)
            names.setdefault(page, str(properties[NAME]))
            sentences[page].append(crash.message.splitlines()[0] if crash else "failed")
    return [FailedCase(quote(page), names[page], tuple(sentences[page])) for page in sorted(names)]


def _write_index(folder: Path, cases: list[FailedCase]) -> Path:
    from interp.report.html.pages import index_page

    path = folder / "index.html"
    write(path, index_page(cases))
    return path
