"""`[tool.interp]` of pyproject.toml: what holds for all case files and tests of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE, MIN_EVALUATIONS
from interp.errors import InputError
from interp.project.paths import checked_path
from interp.project.strict import Strict, parse_toml, validation_problems

__all__ = ["GOLDEN_TOLERANCE", "GateSettings", "Settings", "Threshold", "find_root", "load_settings"]

GOLDEN_TOLERANCE = 5e-3
"""Of Σ|value|: five times the integration's default, well above what devices and libraries differ by."""


def _check_name(name: str) -> str:
    try:
        checked_path(name)
    except InputError as error:
        raise PydanticCustomError("name", "{sentence}", {"sentence": str(error).rstrip(".")}) from error
    return name


FileName = Annotated[str, Field(min_length=1), AfterValidator(_check_name)]
"""A file or folder, from the project's root."""
Positive = Annotated[float, Field(gt=0, lt=1)]


class Threshold(Strict):
    """What an effect is held to, and whether it stops a candidate."""

    limit: Annotated[float, Field(gt=0)]
    severity: Literal["critical", "advisory"] = "critical"


class GateSettings(Strict):
    """`[tool.interp.gate]`: what `interp gate` holds a candidate to."""

    cues: Threshold = Threshold(limit=0.3)
    """Nats that matter, where a cue moves a tag."""
    cue_flips: Threshold = Threshold(limit=0.1)
    """The same of taggers without probabilities: part of the tags that a cue turns."""
    f1: Threshold = Threshold(limit=0.02)
    """Loss of strict span F1."""
    negative_flips: Threshold = Threshold(limit=0.1, severity="advisory")
    """Part of the entities that the baseline has right and the candidate has wrong: harmless retrainings of `open` lose
    5 to 6 %."""
    leaks: Threshold = Threshold(limit=0.01, severity="advisory")
    """Rise of the part of right entities' words that are left untagged; critical where kinds are costly."""
    stress: Threshold = Threshold(limit=0.05, severity="advisory")
    """Strict span F1 that the candidate loses more than the baseline where sentences are written otherwise."""
    slices: Threshold = Threshold(limit=0.05, severity="advisory")
    """The same in a slice."""
    flips: Threshold = Threshold(limit=0.1)
    """Part of the words whose tag turns."""
    evidence: Threshold = Threshold(limit=6.0, severity="advisory")
    """z of a shift."""
    agreement: Threshold = Threshold(limit=0.1)
    """Of explanations, beyond chance, at least."""
    floors: FileName = "interp-floors.json"
    waivers: FileName = "interp-waivers.toml"

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, given: Any) -> Any:
        """A threshold of which only one key is given keeps the other."""
        if not isinstance(given, dict):
            return given
        whole = dict(given)
        for name, field in cls.model_fields.items():
            if isinstance(field.default, Threshold) and isinstance(given.get(name), dict):
                whole[name] = dict(field.default) | given[name]
        return whole


class Settings(Strict):
    """`[tool.interp]`."""

    model: str | None = None
    device: str | list[str] = "auto"
    """One, or several that every case and test runs on."""
    dtype: str = "float32"
    tolerance: Positive | dict[str, Positive] = GOLDEN_TOLERANCE
    """Of goldens, one for all devices or by device."""
    integration_tolerance: Positive = DEFAULT_TOLERANCE
    """Of `explain`."""
    max_evaluations: Annotated[int, Field(ge=MIN_EVALUATIONS)] = DEFAULT_MAX_EVALUATIONS
    memory: str | None = None
    """Budget of an explanation, such as 2GiB."""
    golden: FileName = "golden"
    """The folder of goldens."""
    golden_top: Annotated[int, Field(ge=1)] = 1
    """Leading words that a golden holds other weights to."""
    report: FileName | None = None
    """The folder in which failing cases get their pages."""
    gate: GateSettings = GateSettings()

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
    tool = content.get("tool", {})
    settings = tool.get("interp", {}) if isinstance(tool, dict) else tool
    if not isinstance(settings, dict):
        raise InputError("pyproject.toml: [tool.interp] is no table: write its keys below that heading.")
    try:
        return Settings.model_validate(settings)
    except ValidationError as error:
        problems = [
            f"pyproject.toml, [tool.interp], key {key}: {sentence}"
            for key, sentence in validation_problems(error, Settings)
        ]
        raise InputError(*problems) from error


def find_root(start: Path) -> Path:
    """The nearest folder above that holds a pyproject.toml; where none does, `start` itself."""
    folder = start if start.is_dir() else start.parent
    for candidate in (folder, *folder.parents):
        if (candidate / "pyproject.toml").is_file():
            return candidate
    return folder
