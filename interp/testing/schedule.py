"""How pytest-xdist's `--dist loadgroup` hands out the checks of case files: a batch of cases to one process."""

from __future__ import annotations

from functools import cached_property

from xdist.scheduler import LoadGroupScheduling

from interp.cases.case import CASE_SUFFIX
from interp.testing.items import batches

__all__ = ["BatchScheduling"]


class BatchScheduling(LoadGroupScheduling):  # type: ignore[misc]
    """Groups of tests as their marks say; the tests of a batch of cases are a group, so that no other computes them."""

    def _split_scope(self, nodeid: str) -> str:
        return self._group_of_case.get(_case_of(nodeid)) or str(super()._split_scope(nodeid))

    @cached_property
    def _group_of_case(self) -> dict[tuple[str, str], str]:
        """The group of every case, in the order in which the processes collected them."""
        cases: dict[str, dict[str, None]] = {}
        for file, name in map(_case_of, self.collection):
            if file.endswith(CASE_SUFFIX):
                cases.setdefault(file, {})[name] = None
        return {
            (file, name): f"{file}, batch {number}"
            for file, names in cases.items()
            for number, batch in enumerate(batches(list(names)))
            for name in batch
        }


def _case_of(nodeid: str) -> tuple[str, str]:
    """The file and the case of a check's node id."""
    file, _, rest = nodeid.partition("::")
    return file, rest.partition("::")[0]
