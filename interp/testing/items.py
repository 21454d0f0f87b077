"""Case files as tests: a file holds cases, a case holds one test per check."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from interp.cases.case import Case, GoldenRule
from interp.cases.checks import Answer, Check, Complete, Converged, Verdict
from interp.cases.load import load_cases
from interp.errors import InputError, InterpError
from interp.testing.fail import CheckFailed, fail, of_golden
from interp.testing.session import DEVICE, session_of
from interp.testing.snapshots import GoldenSnapshot, compare_stored

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from interp.report.failures import Failure

__all__ = ["CaseFile", "CheckItem", "batches", "rule_of"]

BATCH = 16
"""Cases of a file that are computed together, and that one process computes under `--dist loadgroup`."""

T = TypeVar("T")


def batches(cases: list[T]) -> list[list[T]]:
    """The selected cases of a file, in parts that are computed together."""
    return [cases[start : start + BATCH] for start in range(0, len(cases), BATCH)]


class CaseFile(pytest.Module):
    """A `.cases.toml` file. What is wrong with it is a collection error with a line for each mistake.

    A module, so that a project's fixtures of that scope hold for a file; an empty one, for there is nothing to import.
    """

    def _getobj(self) -> ModuleType:
        return ModuleType(self.path.name)

    def collect(self) -> Iterator[CaseNode]:
        root = self.config.rootpath
        shown = os.path.relpath(self.path, root) if self.path.is_relative_to(root) else str(self.path)
        try:
            cases = load_cases(self.path, shown, session_of(self.config).settings)
        except InputError as error:
            raise self.CollectError(str(error)) from error
        for case in cases:
            yield CaseNode.from_parent(self, name=case.id, case=case)


class CaseNode(pytest.Collector):
    """One case: its checks share one computation."""

    def __init__(self, case: Case, **rest: Any) -> None:
        super().__init__(**rest)
        self.case = case

    def collect(self) -> Iterator[CheckItem]:
        devices = session_of(self.config).settings.devices
        for device in devices:
            suffix = f"[{DEVICE}{device}]" if len(devices) > 1 else ""
            for check in self.case.checks:
                yield self._item(f"{check.name}{suffix}", check, device)
            if self.case.golden is not None:
                yield self._item(f"golden{suffix}", None, device)

    def _item(self, name: str, check: Check | None, device: str) -> CheckItem:
        function = golden_holds if check is None else check_holds
        item: CheckItem = CheckItem.from_parent(
            self, name=name, callobj=function, case=self, check=check, device=device
        )
        for mark in self.case.marks:
            item.add_marker(mark)
        if reason := self.case.xfail.get(name.partition("[")[0]):
            item.add_marker(pytest.mark.xfail(reason=reason))
        return item


class CheckItem(pytest.Function):
    """One check of one case on one device; a `pytest.Function`, for syrupy follows no other items."""

    def __init__(self, case: CaseNode, check: Check | None, device: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.node, self.check, self.device = case, check, device
        self.golden_name = case.case.id

    @property
    def case(self) -> Case:
        return self.node.case

    def batch(self) -> list[Case]:
        """The cases that are computed with this one: of those in its file of which a test was selected."""
        items = (item for item in self.session.items if isinstance(item, CheckItem))
        same = (item for item in items if item.path == self.path and item.device == self.device)
        nodes = list({item.node.nodeid: item.case for item in same}.values())
        return next(batch for batch in batches(nodes) if any(case is self.case for case in batch))

    @property
    def rule(self) -> GoldenRule:
        return self.case.golden or _default_rule(self)

    def answer(self) -> Answer:
        return session_of(self.config).answer(self.case, self.batch, self.device)

    def failures(self, answer: Answer) -> list[Failure]:
        """Every check of the case that does not hold, but for its golden."""
        failures = []
        for check in self.case.checks:
            with suppress(InputError):  # a check that cannot be judged says so in its own test
                verdict = check.judge(answer)
                if not verdict.passed:
                    failures.append(self.failure(check, verdict, answer))
        return failures

    def failure(self, check: Check, verdict: Verdict, answer: Answer) -> Failure:
        from interp.report.failures import Failure

        line = check.toml_line([answer])
        where = f'case "{self.case.id}" of {self.nodeid.partition("::")[0]}, line {self.case.line}'
        if line:
            edit = f"write in {where}:\n    {line}"
        elif isinstance(check, Complete | Converged):
            edit = f"raise max_evaluations or integration_tolerance in {where}."
        else:
            edit = f"leave {check.name} out of {where}."
        return Failure(check.name, verdict, f"If the new explanation is the right one, {edit}")

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, self.case.line - 1, f"{self.case.id}::{self.name}"

    def repr_failure(self, excinfo: ExceptionInfo[BaseException]) -> str | TerminalRepr:  # type: ignore[override]
        if isinstance(excinfo.value, CheckFailed | InterpError):
            shown = excinfo.getrepr(style="value")
            crash = shown.reprcrash
            if crash is not None:  # what summaries and JUnit show: the sentence, and the case's line
                crash.path, crash.lineno = str(self.path), self.case.line
                crash.message = str(excinfo.value)
            return shown
        return super().repr_failure(excinfo)


def rule_of(item: pytest.Item) -> GoldenRule:
    """How a test's golden is held where the test says nothing itself."""
    if isinstance(item, CheckItem):
        return item.rule
    return _default_rule(item)


def _default_rule(item: pytest.Item) -> GoldenRule:
    return GoldenRule(session_of(item.config).settings.golden_top, strict=False, tolerance=None)


def check_holds(request: pytest.FixtureRequest) -> None:
    """The test of every check but the golden."""
    item = request.node
    answer = item.answer()
    verdict = item.check.judge(answer)
    if verdict.passed:
        return
    run, device = session_of(item.config), item.name.removeprefix(item.check.name)
    outcome = compare_stored(
        run,
        nodeid=f"{item.node.nodeid}::golden{device}",
        test_file=item.path,
        name=item.golden_name,
        explanation=answer.explanation,
        rule=item.rule,
    )
    every = item.failures(answer)
    if outcome is not None and not outcome.passed and item.case.golden is not None and not run.updating:
        every = [of_golden(outcome), *every]  # the page is the same whichever test of the case writes it last
    fail(
        item,
        item.failure(item.check, verdict, answer),
        every=every,
        explanation=answer.explanation,
        comparison=None if outcome is None else outcome.comparison,
    )


def golden_holds(request: pytest.FixtureRequest, golden: GoldenSnapshot) -> None:
    """The test of a case's golden."""
    item = request.node
    answer = item.answer()
    outcome = golden.hold(answer.explanation)
    if outcome.passed:
        return
    failure = of_golden(outcome)
    fail(
        item,
        failure,
        every=[failure, *item.failures(answer)],
        explanation=answer.explanation,
        comparison=outcome.comparison,
    )
