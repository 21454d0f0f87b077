"""Several explanations together, as frozen data that shows itself in a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

from interp.errors import counted
from interp.explanation.explanation import Explanation, TableName

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Explanations"]


class Explanations(Sequence[Explanation]):
    """Explanations in their order, equal to a list or tuple of the same; a notebook shows them as one page.

    `explanations`: any iterable of them, such as what `Model.explain_many` yields.
    """

    def __init__(self, explanations: Iterable[Explanation] = ()) -> None:
        self._explanations = tuple(explanations)

    @overload
    def __getitem__(self, place: int) -> Explanation: ...

    @overload
    def __getitem__(self, place: slice) -> Explanations: ...

    def __getitem__(self, place: int | slice) -> Explanation | Explanations:
        chosen = self._explanations[place]
        return Explanations(chosen) if isinstance(chosen, tuple) else chosen

    def __len__(self) -> int:
        return len(self._explanations)

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self._explanations)

    def __eq__(self, other: object) -> bool:
        return self._explanations == tuple(other) if isinstance(other, Explanations | list | tuple) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        lines = [f"<{counted(len(self), 'explanation')}>", *map(repr, self)]
        return "\n".join(lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them as one `interp.explanations/1` document, whole or not at all; `interp.read` gives them back.

        `path`: of the file. Raises OutputError when it cannot be written, ValueError where they are of several models,
        or there are none.
        """
        from interp.explanation.document import save

        save(self, path)

    def to_html(self) -> str:
        """One self-contained page of all: no network, no script needed to read it; how far references and methods
        agree, where several answer the same question.
        """
        from interp.report.html.pages import explanations_page

        return explanations_page(self)

    def to_dataframe(self, table: TableName = "words") -> DataFrame:
        """The rows of every explanation's own table under one another.

        `table`: as in `Explanation.to_dataframe`. Before its columns stand `explanation` (0 is the first), `target` and
        `tags` (what is explained), `reference` and `method`. Raises InputError for an unknown table, and when an
        explanation lacks it.
        """
        from interp.explanation.tables import joint_table

        return joint_table(self, table)

    def _repr_html_(self) -> str:
        from interp.report.html.pages import notebook_frame

        return notebook_frame(self)
