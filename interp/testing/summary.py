"""What pytest shows of goldens beside its own: failing assertions in tests, and the lines at the end of a run."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from interp.errors import OutputError
from interp.project.files import write
from interp.testing.fail import NAME, PAGE, of_golden, rendered, write_page
from interp.testing.session import session_of
from interp.testing.snapshots import FORMER, MOVED, GoldenSnapshot

__all__ = ["assertion_lines", "summarise"]


def assertion_lines(config: pytest.Config, left: object, right: object) -> list[str] | None:
    """The message of `assert explanation == golden`: the sentence, for pytest cuts long ones; the rest is a section."""
    golden = left if isinstance(left, GoldenSnapshot) else right
    if not isinstance(golden, GoldenSnapshot) or golden.held is None or golden.explanation is None:
        return None
    failure = of_golden(golden.held)
    write_page(golden.node, [failure], golden.explanation, golden.held.comparison)
    sentence, _, rest = rendered(config, failure, golden.explanation, golden.held.comparison).partition("\n")
    golden.node.add_report_section("call", "explanation", rest.strip("\n"))
    return [sentence]


def summarise(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How many goldens were held to their leading words alone, and where the report is; writes the report's index."""
    reports = [report for kind in ("passed", "failed", "xfailed") for report in reporter.stats.get(kind, [])]
    moved = [float(value) for report in reports for name, value in report.user_properties if name == MOVED]
    pages = _pages(reports)
    former = [value for report in reports for name, value in report.user_properties if name == FORMER]
    lines = []
    run = session_of(config)
    if former:
        models = " ".join(f"--model {name}" for name in dict.fromkeys(former))
        lines.append(
            f"{len(former)} golden{'s' if len(former) > 1 else ''} accepted under an earlier release's fingerprint, "
            f"which left the configuration out; the numbers were held. To write today's: interp golden migrate {models}"
        )
    if moved:
        accept = "--snapshot-update is refused where CI is set" if run.refused else "To accept them: --snapshot-update"
        lines.append(
            f"{len(moved)} golden{'s' if len(moved) > 1 else ''} of other weights held by tag and leading words; "
            f"their numbers moved by up to {max(moved):.0f} tolerances (not failed). {accept}"
        )
    folder = run.report_folder
    if folder is not None and pages:
        try:
            lines.append(f"report of {len(pages)} failing case{'s' * (len(pages) > 1)}: {_index(folder, pages)}")
        except OutputError as error:
            lines.append(str(error))
    if lines:
        reporter.section("interp")
        for line in lines:
            reporter.line(line)


def _pages(reports: list[pytest.TestReport]) -> dict[str, tuple[str, list[str]]]:
    """By page: the case, and the first lines of its failures."""
    found: dict[str, tuple[str, list[str]]] = {}
    for report in reports:
        told = dict(report.user_properties)
        if PAGE in told and report.when == "call":
            crash = getattr(report.longrepr, "reprcrash", None)
            found.setdefault(str(told[PAGE]), (str(told[NAME]), []))[1].append(
                crash.message.splitlines()[0] if crash else "failed"
            )
    return found


def _index(folder: Path, pages: dict[str, tuple[str, list[str]]]) -> Path:
    from interp.report.html.pages import index_page

    path = folder / "index.html"
    write(path, index_page([(quote(page), case, sentences) for page, (case, sentences) in sorted(pages.items())]))
    return path
