"""`[tool.interp]` of pyproject.toml: what holds for all case files and tests of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from interp.errors import InputError
from interp.strict import Strict, parse_toml, problems

__all__ = ["GOLDEN_TOLERANCE", "Settings", "find_root", "load_settings"]

GOLDEN_TOLERANCE = 5e-3
"""Of Σ|value|: five times the integration's default, well above what devices and libraries differ by."""

Positive = Annotated[float, Field(gt=0, lt=1)]


class Settings(Strict):
    """`tolerance` is that of goldens, one for all devices or by device; `integration_tolerance` that of `explain`."""

    model: str | None = None
    device: str | list[str] = "auto"
    dtype: str = "float32"
    tolerance: Positive | dict[str, Positive] = GOLDEN_TOLERANCE
    integration_tolerance: Positive = 1e-3
    max_evaluations: Annotated[int, Field(ge=17)] = 1025
    memory: str | None = None
    golden: str = "golden"
    golden_top: Annotated[int, Field(ge=1)] = 1
    report: str | None = None

    @property
    def devices(self) -> list[str]:
        return [self.device] if isinstance(self.device, str) else list(dict.fromkeys(self.device))

    def golden_tolerance(self, device: str) -> float:
        """For "cuda:0" the entry of that name, else of "cuda", else the default."""
        if isinstance(self.tolerance, float | int):
            return float(self.tolerance)
        kind = device.partition(":")[0]
        return self.tolerance.get(device, self.tolerance.get(kind, GOLDEN_TOLERANCE))


def load_settings(root: Path) -> Settings:
    """The settings of the project at `root`; defaults without a pyproject. Raises InputError that names the key."""
    path = root / "pyproject.toml"
    if not path.is_file():
        return Settings()
    _, content = parse_toml(path, "pyproject.toml")
    try:
        return Settings.model_validate(content.get("tool", {}).get("interp", {}))
    except ValidationError as error:
        told = [f"pyproject.toml, [tool.interp], key {key}: {sentence}" for key, sentence in problems(error, Settings)]
        raise InputError("\n".join(told)) from error


def find_root(start: Path) -> Path:
    """The nearest folder above that holds a pyproject.toml; where none does, `start` itself."""
    folder = start if start.is_dir() else start.parent
    return next((each for each in (folder, *folder.parents) if (each / "pyproject.toml").is_file()), folder)
