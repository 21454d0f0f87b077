"""The project that a command is run in, and what its gate judges by."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interp.gate import Criteria
    from interp.project.settings import GateSettings, Settings

__all__ = ["open_project", "read_criteria"]


def open_project() -> tuple[Path, Settings]:
    """The root of the project around the working directory, and its settings."""
    from interp.project.settings import find_root, load_settings

    root = find_root(Path.cwd())
    return root, load_settings(root)


def read_criteria(root: Path, settings: GateSettings, seed: int) -> Criteria:
    """Limits, floors and waivers of the project at `root`."""
    from interp.gate import Criteria
    from interp.gate.floors import load_floors
    from interp.gate.waivers import load_waivers
    from interp.project.files import is_missing

    floors = root / settings.floors
    return Criteria(
        gate=settings,
        floors=None if is_missing(floors) else load_floors(floors),
        waivers=load_waivers(root / settings.waivers),
        today=date.today(),
        seed=seed,
    )
