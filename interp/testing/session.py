"""What one pytest run knows: its settings and options, the models it loaded, the answers it computed."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from interp.cases.answer import Explainer, ModelCache, answer_cases, resolve_model_path
from interp.cases.case import Case, GoldenRule
from interp.cases.checks import Answer
from interp.cases.terms import error_in_case_terms
from interp.errors import InputError, InterpError, ModelError
from interp.golden import Policy
from interp.project.settings import Settings, load_settings

__all__ = ["DEVICE", "Session", "session_of"]

DEVICE = "device="
"""Begins the part of a test's name that says on which device it runs; one golden holds for all."""


class Session:
    """One per pytest process; computes nothing before it is asked."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.root = config.rootpath
        self.settings = self._chosen_settings()
        self.models = ModelCache(self._load_model)
        self._answers: dict[tuple[int, str], Answer | Exception] = {}

    @property
    def golden_folder(self) -> Path:
        return self.root / self.settings.golden

    @property
    def report_folder(self) -> Path | None:
        return Path(self.settings.report) if self.settings.report else None

    @property
    def updating(self) -> bool:
        """Whether goldens are accepted in this run, which they never are where CI is set."""
        return bool(self.config.option.update_snapshots) and not self.refused

    @property
    def refused(self) -> bool:
        """Whether goldens were to be accepted where CI is set."""
        in_ci = os.environ.get("CI", "").strip().lower() not in ("", "0", "false")
        option = self.config.option
        return in_ci and bool(option.update_snapshots or option.update_new_snapshots_only)

    def model(self, name: str | None, device: str) -> Explainer:
        """The model of that name, or the one that --interp-model puts in its place. Raises InterpError."""
        chosen = self.config.option.interp_model or name or self.settings.model
        if chosen is None:
            raise InputError(
                'No model is named: give --interp-model=NAME, or model = "…" under [tool.interp] in pyproject.toml.'
            )
        return self.models.get(resolve_model_path(chosen, self.root), device)

    def answer(self, case: Case, batch: Callable[[], Sequence[Case]], device: str) -> Answer:
        """The answer to a case; those of its batch are computed with it. Raises what kept it from being computed."""
        if (id(case), device) not in self._answers:
            self._compute(batch(), device)
        answer = self._answers[id(case), device]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _compute(self, batch: Sequence[Case], device: str) -> None:
        for name in dict.fromkeys(case.model for case in batch):
            cases = [case for case in batch if case.model == name]
            answers: Sequence[Answer | Exception]
            try:
                answers = answer_cases(self.model(name, device), cases, self.settings.memory)
            except InterpError as error:
                answers = [error_in_case_terms(error)] * len(cases)
            except Exception as error:  # the same for every case, and not to be computed again for each
                answers = [error] * len(cases)
            for case, answer in zip(cases, answers, strict=True):
                self._answers[id(case), device] = _refuse_nan(answer)

    def policy(self, device: str, rule: GoldenRule) -> Policy:
        """How goldens are held: the option goes before what a case or test says, that before [tool.interp]."""
        given = self.config.option.interp_tolerance or rule.tolerance or self.settings.golden_tolerance(device)
        return Policy(given, rule.top, rule.strict)

    def command(self, nodeid: str) -> str:
        """The command that accepts what a test got, to be typed where this one was."""
        option, typed = self.config.option, self.config.invocation_params.dir
        file, colons, rest = nodeid.partition("::")
        values = [
            ("--rootdir", option.rootdir),
            ("--config-file", option.inifilename),
            ("--interp-model", option.interp_model),
            *(("--interp-device", device) for device in option.interp_device or ()),
            ("--interp-tolerance", option.interp_tolerance),
        ]
        given = [f"{flag}={value}" for flag, value in values if value]
        test = os.path.relpath(self.root / file, typed) + colons + rest
        return shlex.join(["pytest", test, "--snapshot-update", *given])

    def _chosen_settings(self) -> Settings:
        """Those of [tool.interp], with what the command line puts in their place."""
        option = self.config.option
        settings = load_settings(self.root)
        given = {"device": option.interp_device, "report": option.interp_report}
        chosen = settings.model_copy(update={key: value for key, value in given.items() if value})
        if chosen.report:
            chosen = chosen.model_copy(update={"report": str(self.root / chosen.report)})
        if option.interp_tolerance is not None and not 0 < option.interp_tolerance < 1:
            raise InputError(
                f"--interp-tolerance={option.interp_tolerance} is no tolerance: give a number between 0 and 1."
            )
        return chosen

    def _load_model(self, name: str, device: str) -> Explainer:
        own: Explainer | None = self.config.hook.pytest_interp_load(name=name, device=device, config=self.config)
        if own is not None:
            return own
        from interp.explain import load

        return load(name, device, self.settings.dtype)


def _refuse_nan(answer: Answer | Exception) -> Answer | Exception:
    """No check can be judged by numbers that are none; one that only ranks words would even pass."""
    if isinstance(answer, Exception):
        return answer
    for explanation in (answer.explanation, *answer.swapped.values()):
        lists = (explanation.attributions, *explanation.layers)
        if not all(math.isfinite(value) for values in lists for value in values):
            return ModelError("The explanation holds NaN or infinity: look for them in the model's weights.")
    return answer


_KEY = pytest.StashKey[Session]()


def session_of(config: pytest.Config) -> Session:
    """The run of this process. Raises InputError for settings that do not fit."""
    if _KEY not in config.stash:
        config.stash[_KEY] = Session(config)
    return config.stash[_KEY]
