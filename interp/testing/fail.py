"""What a failing test says, in the terminal and as a page, and what passing goldens of other weights leave to say."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, NoReturn

import pytest

from interp.cases.checks import Verdict
from interp.errors import OutputError
from interp.golden import Golden
from interp.golden.folder import file_name
from interp.project.files import write
from interp.report.failures import Failure
from interp.report.terminal.failure import failure_text
from interp.testing.session import session_of
from interp.testing.snapshots import GoldenOutcome

if TYPE_CHECKING:
    from interp.explanation import Explanation
    from interp.golden import Comparison

__all__ = ["NAME", "PAGE", "CheckFailed", "fail", "of_golden", "rendered", "write_page"]

PAGE, NAME = "interp_page", "interp_case"
"""Properties of a test's report, which JUnit shows too: its page, and what that is of."""


class CheckFailed(AssertionError):  # noqa: N818 - pytest shows the name
    """A check did not hold; the message's first line says what, the rest shows it."""


def fail(
    item: pytest.Item,
    failure: Failure,
    every: Sequence[Failure],
    explanation: Explanation,
    comparison: Comparison | None,
) -> NoReturn:
    """Fail a test with its message, and write its page where a report is wanted: `every` failed check of the case."""
    write_page(item, every, explanation, comparison)
    raise CheckFailed(rendered(item.config, failure, explanation, comparison))


def write_page(
    item: pytest.Item, failures: Sequence[Failure], explanation: Explanation, comparison: Comparison | None
) -> None:
    """The HTML of a failing case, where a report is wanted. One that cannot be written does not hide the failure."""
    folder = session_of(item.config).report_folder
    if folder is None:
        return
    from interp.report.html.pages import failure_page

    name = _page_subject(item)
    page = f"{_page_name(name)}.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / page, failure_page(name, failures, explanation, comparison))
    except (OSError, OutputError) as error:
        sentence = str(error) if isinstance(error, OutputError) else f"Cannot write {folder}: {error.strerror}."
        item.add_report_section("call", "interp report", sentence)
    else:
        item.user_properties += [(PAGE, page), (NAME, name)]


def _page_subject(item: pytest.Item) -> str:
    """What a page is of: a test, or a case with all of its checks, on each device."""
    if not hasattr(item, "golden_name"):
        return item.nodeid
    case, _, check = item.nodeid.rpartition("::")
    _, bracket, device = check.partition("@")[0].partition("[")
    return f"{case}{bracket}{device}"


def _page_name(name: str) -> str:
    """Readable, and different for different names: `a/b` and `a-b` are not the same page."""
    readable = file_name(name.replace("/", "-").replace("::", "--"))
    return f"{readable}~{sha256(name.encode()).hexdigest()[:8]}" if "-" in name else readable


def rendered(config: pytest.Config, failure: Failure, explanation: Explanation, comparison: Comparison | None) -> str:
    """The message, as wide as the terminal."""
    writer = config.get_terminal_writer()
    encoding = getattr(getattr(writer, "_file", None), "encoding", None) or "utf-8"
    return failure_text(
        failure, explanation, comparison=comparison, width=min(writer.fullwidth, 120), encoding=encoding
    )


def of_golden(outcome: GoldenOutcome) -> Failure:
    """A golden that did not hold, as a failed check."""
    comparison = outcome.comparison
    verdict = Verdict(
        passed=False,
        sentence=outcome.sentence,
        expected=_golden_summary(comparison.old) if comparison else "",
        actual=_golden_summary(comparison.new) if comparison else "",
    )
    return Failure("golden", verdict, outcome.accept)


def _golden_summary(golden: Golden) -> str:
    leader = golden.names[golden.ranked[0]]
    return f'{" ".join(golden.tags)}, led by "{leader}"'
