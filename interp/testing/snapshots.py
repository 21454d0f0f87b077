"""Goldens as syrupy snapshots: where they lie, how they match, and what a test says when they do not.

syrupy's own search for unused snapshots is switched off for goldens: it deletes what a partial run did not use, and
never sees those of a deleted module. `interp golden check` looks for both, and deletes only when asked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from syrupy.data import SnapshotCollection, SnapshotCollections
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

from interp.cases.case import GoldenRule
from interp.errors import FormatError, OutputError
from interp.explanation import Explanation
from interp.golden import GOLDEN_SUFFIX, Comparison, Policy, Promise, compare_goldens, dumps, golden_of, loads
from interp.golden.folder import golden_file
from interp.project.files import write
from interp.project.settings import GOLDEN_TOLERANCE
from interp.report.compared import turn
from interp.testing.session import DEVICE, Session, session_of

if TYPE_CHECKING:
    from syrupy.assertion import AssertionResult, SnapshotAssertion

__all__ = [
    "FORMER",
    "MOVED",
    "TURNED",
    "GoldenExtension",
    "GoldenOutcome",
    "GoldenSnapshot",
    "compare_stored",
    "golden_path",
]

FORMER = "interp_former"
"""Property of a test's report: the model whose golden was accepted under the fingerprint of an earlier release."""
MOVED = "interp_moved"
"""Property of a test's report, which JUnit shows too: how far the numbers moved of a golden that other weights hold."""

TURNED = "interp_turned"
"""Property of a test's report: the word that turned most in a golden that other weights hold."""


class GoldenExtension(SingleFileSnapshotExtension):
    """One file per golden, under the golden folder, in a folder named after the test file.

    `policy` says what must hold; with `accepting`, a golden of other weights is always written anew, so that it names
    the weights that it holds for.
    """

    _write_mode = WriteMode.TEXT
    file_extension = GOLDEN_SUFFIX.removeprefix(".")

    def __init__(self) -> None:
        super().__init__()
        self.policy = Policy(GOLDEN_TOLERANCE)
        self.accepting = False

    def serialize(self, data: Any, **_: Any) -> str:
        return str(data)

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        """A file that cannot be read does not match, and is mended by accepting anew."""
        try:
            old, new = loads(snapshot_data, "golden"), loads(serialized_data, "explanation")
        except FormatError:
            return False
        if self.accepting and (old.sha256, old.former_sha256) != (new.sha256, new.former_sha256):
            return False
        return compare_goldens(old, new, self.policy).passed

    def read_snapshot_data_from_location(self, *, snapshot_location: str, **_: Any) -> str | None:
        """The text, also of a file that is no text: that is damage, to be told and mended as any other."""
        try:
            return Path(snapshot_location).read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return None

    @classmethod
    def get_location(cls, *, test_location: PyTestLocation, index: int | str) -> str:
        item = test_location.item
        name = getattr(item, "golden_name", None) or _without_device(item, test_location.snapshot_name)
        suffix = f".{index}" if index else ""
        if isinstance(index, str):
            suffix = f"[{index}]"
        return str(golden_path(session_of(item.config), Path(test_location.filepath), f"{name}{suffix}"))

    @classmethod
    def matches_test_location(cls, **_: Any) -> bool:
        return True

    @classmethod
    def discovery_dirname(cls, *, test_location: PyTestLocation) -> str:  # noqa: ARG003
        return ""

    def discover_snapshots(self, **_: Any) -> SnapshotCollections:
        return SnapshotCollections()

    @classmethod
    def write_snapshot_collection(
        cls,
        *,
        snapshot_collection: SnapshotCollection,
        name_order: dict[str, int] | None = None,  # noqa: ARG003
    ) -> None:
        """Whole or not at all."""
        write(snapshot_collection.location, str(next(iter(snapshot_collection)).data))


def golden_path(run: Session, test_file: Path, name: str) -> Path:
    """Where a golden lies."""
    return golden_file(run.golden_folder, run.root, test_file, name)


def _without_device(item: pytest.Item, name: str) -> str:
    """A test's name without the part that the plugin gave it for the device; a project's own ids stay."""
    callspec = getattr(item, "callspec", None)
    part = f"{DEVICE}{callspec.params.get('interp_device')}" if callspec else ""
    for written, kept in ((f"[{part}]", ""), (f"[{part}-", "["), (f"-{part}-", "-"), (f"-{part}]", "]")):
        if part and written in name:
            return name.replace(written, kept, 1)
    return name


@dataclass(frozen=True, kw_only=True)
class GoldenOutcome:
    """What holding an explanation against its golden gave."""

    passed: bool
    sentence: str
    """Says what it gave."""
    accept: str
    """How to accept what is now."""
    path: Path
    comparison: Comparison | None
    """None where there is no golden that can be read."""


class GoldenSnapshot:
    """What the fixture `golden` gives: `assert explanation == golden`.

    Called, it gives one with another `name`, `top`, `tolerance`, or that is `strict`. `outcome`: what the last
    comparison gave.
    """

    def __init__(
        self,
        snapshot: SnapshotAssertion,
        node: pytest.Item,
        rule: GoldenRule,
        *,
        name: str | None = None,
        names: set[str | None] | None = None,
    ) -> None:
        self._snapshot, self.node, self._rule, self._name = snapshot, node, rule, name
        self._names = set() if names is None else names  # those of the test, which its goldens share
        self.outcome: GoldenOutcome | None = None
        self.explanation: Explanation | None = None

    def __call__(
        self, *, name: str | None = None, top: int | None = None, strict: bool = False, tolerance: float | None = None
    ) -> GoldenSnapshot:
        rule = self._rule
        changed = GoldenRule(top or rule.top, strict or rule.strict, tolerance or rule.tolerance)
        return GoldenSnapshot(self._snapshot, self.node, changed, name=name or self._name, names=self._names)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "golden"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Explanation):
            raise TypeError(f"a golden holds an explanation, not {type(other).__name__}: compare what explain(…) gave")
        self.explanation, self.outcome = other, self.hold(other)
        return self.outcome.passed

    def hold(self, explanation: Explanation) -> GoldenOutcome:
        """Compare, and accept where --snapshot-update asks for it. Raises FormatError for NaN, OutputError for a file
        that cannot be written.
        """
        run = session_of(self.node.config)
        policy = run.policy(explanation.run.device, self._rule)
        passed, done = self._compare_by_syrupy(run, explanation, policy)
        outcome = _outcome(
            run,
            nodeid=self.node.nodeid,
            path=Path(done.snapshot_location),
            text=None if done.recalled_data is None else str(done.recalled_data),
            explanation=explanation,
            policy=policy,
            passed=passed,
        )
        compared = outcome.comparison
        if outcome.passed and not run.updating and compared:
            if compared.rule is Promise.LEADERS and compared.changes:
                self.node.user_properties.append((MOVED, f"{compared.changes[0].moved:.1f}"))
                self.node.user_properties += [(TURNED, turn(word)) for word in compared.turned[:1]]
            if compared.rule is Promise.FORMER:
                self.node.user_properties.append((FORMER, explanation.model.name))
        return outcome

    def _compare_by_syrupy(
        self, run: Session, explanation: Explanation, policy: Policy
    ) -> tuple[bool, AssertionResult]:
        """By syrupy, which also writes the file where that is asked for."""
        if self._name is not None and self._name in self._names:
            raise ValueError(f'this test has a golden named "{self._name}" already: give each its own name')
        snapshot = self._snapshot if self._name is None else self._snapshot(name=self._name)
        self._names.add(self._name)
        snapshot.update_snapshots = run.updating
        snapshot.update_new_snapshots_only = snapshot.update_new_snapshots_only and not run.refused
        extension = snapshot.extension
        assert isinstance(extension, GoldenExtension)
        extension.policy, extension.accepting = policy, run.updating
        passed = snapshot == dumps(golden_of(explanation, policy.tolerance))
        done = snapshot.executions[snapshot.num_executions - 1]
        if isinstance(done.exception, OSError):
            where = Path(done.snapshot_location)
            raise OutputError(f"Cannot read or write {where}: {done.exception.strerror}.") from done.exception
        if done.exception is not None:
            raise done.exception
        return passed, done


def compare_stored(
    run: Session, *, nodeid: str, test_file: Path, name: str, explanation: Explanation, rule: GoldenRule
) -> GoldenOutcome | None:
    """An explanation held against the golden that lies there, if any; `nodeid` is of the test that accepts it."""
    path, policy = golden_path(run, test_file, name), run.policy(explanation.run.device, rule)
    try:
        text = GoldenExtension().read_snapshot_data_from_location(snapshot_location=str(path))
        return _outcome(run, nodeid=nodeid, path=path, text=text, explanation=explanation, policy=policy)
    except (OSError, FormatError):
        return None


def _outcome(
    run: Session,
    *,
    nodeid: str,
    path: Path,
    text: str | None,
    explanation: Explanation,
    policy: Policy,
    passed: bool | None = None,
) -> GoldenOutcome:
    """`text` is the golden's, None where there is none; `passed` where it was accepted, whatever it said."""
    shown = os.path.relpath(path, run.root)
    right = "this explanation is right" if text is None else "the new explanation is the right one"
    accept = f"If {right}, accept it:\n    {run.command(nodeid)}"
    if run.refused:
        accept = "--snapshot-update is refused where CI is set: accept on your own machine, and commit the file."

    def without_golden(sentence: str) -> GoldenOutcome:
        return GoldenOutcome(passed=bool(passed), sentence=sentence, accept=accept, path=path, comparison=None)

    if text is None:
        return without_golden(f"There is no golden at {shown}: look at the explanation first.")
    try:
        old = loads(text, shown)
    except FormatError as error:
        return without_golden(str(error))
    comparison = compare_goldens(old, golden_of(explanation, policy.tolerance), policy)
    return GoldenOutcome(
        passed=comparison.passed if passed is None else passed,
        sentence=" ".join(comparison.failures) or comparison.rule.value,
        accept=accept,
        path=path,
        comparison=comparison,
    )
