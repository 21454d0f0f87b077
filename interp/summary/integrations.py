"""How the integrations behind records went, and which sentences could not be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from interp.summary.result import Integrations

__all__ = ["IntegrationCounts"]

MOST_REASONS = 5
_NUMBER = re.compile(r"\d+")


@dataclass(kw_only=True)
class IntegrationCounts:
    """Takes the tables of parts one by one."""

    COLUMNS: ClassVar = ("status", "evaluations", "estimate", "error")

    unread: int = 0
    _reasons: Counter[str] = field(default_factory=Counter)
    _statuses: Counter[str] = field(default_factory=Counter)
    _evaluations: int = 0
    _most: int = 0
    _estimates: float = 0.0

    def add(self, table: pa.Table, explained: pa.Table) -> None:
        """All rows, for those that could not be read, and the explained ones of them."""
        errors = table["error"].drop_null().to_pylist()
        self.unread += len(errors)
        self._reasons.update(_NUMBER.sub("…", error) for error in errors)
        if not len(explained):
            return
        self._statuses.update(explained["status"].to_pylist())
        self._evaluations += pc.sum(explained["evaluations"]).as_py()
        self._most = max(self._most, pc.max(explained["evaluations"]).as_py())
        self._estimates += pc.sum(explained["estimate"]).as_py()

    @property
    def reasons(self) -> Mapping[str, int]:
        """The commonest first."""
        return dict(self._reasons.most_common(MOST_REASONS))

    def result(self) -> Integrations:
        count = max(1, sum(self._statuses.values()))
        return Integrations(
            statuses=dict(self._statuses.most_common()),
            evaluations=self._evaluations / count,
            most_evaluations=self._most,
            estimate=self._estimates / count,
        )
