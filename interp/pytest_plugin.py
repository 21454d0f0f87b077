"""The pytest plugin: options, fixtures and hooks that delegate to `interp.testing`.

Loaded in every pytest run of an environment where interp is installed, so it imports nothing but pytest until a case
file or a fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from interp.cases.answer import Explainer
    from interp.explanation import Explanation
    from interp.question.words import TargetSpec
    from interp.testing.snapshots import GoldenSnapshot

__all__ = ["explain", "golden", "interp_device", "interp_model"]

CASES = ".cases.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("interp", "explanations of named-entity models (interp)")
    group.addoption(
        "--interp-model",
        metavar="MODEL",
        help="The model of every case and test: a name, directory or hub id. Write --interp-model=MODEL, with the "
        "equals sign: pytest takes a directory that stands by itself for a path of tests.",
    )
    group.addoption(
        "--interp-device",
        metavar="DEVICE",
        action="append",
        help="auto, cpu, cuda or cuda:N; given twice, every case and test runs on both.",
    )
    group.addoption(
        "--interp-tolerance",
        metavar="PART",
        type=float,
        help="Of goldens: what a number may move, as a part of the sum of absolute values.",
    )
    group.addoption("--interp-report", metavar="DIR", help="Write a page for every failing case into this folder.")


@pytest.hookimpl(tryfirst=True)  # before a conftest.py is loaded
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse a value that pytest took for a path of tests before it knew the option: root, pytest.ini and conftest.py
    are then those of somebody's model.
    """
    from shlex import quote, split

    folder, model = early_config.invocation_params.dir, early_config.known_args_namespace.interp_model
    typed = [*split(os.environ.get("PYTEST_ADDOPTS", "")), *early_config.invocation_params.args]
    for option, value in pairwise(map(str, typed)):
        is_ours = option.startswith("--interp-") and "=" not in option
        if is_ours and _path_of(value.partition("::")[0], folder).exists():
            raise pytest.UsageError(
                f"pytest takes {value} for a path of tests where it stands by itself: write {option}={quote(value)}"
            )
    if model and Path(model).name.startswith("test") and (_path_of(model, folder) / "conftest.py").exists():
        raise pytest.UsageError(
            f"pytest runs {Path(model) / 'conftest.py'}, as that directory's name begins with test: take the file away"
        )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from interp.testing import hooks

    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Paths on the command line are meant from where it was typed, in every process."""
    option, folder = config.option, config.invocation_params.dir
    if option.interp_model and _path_of(option.interp_model, folder).is_dir():
        option.interp_model = str(_path_of(option.interp_model, folder))
    if option.interp_report:
        option.interp_report = str(_path_of(option.interp_report, folder))


def _path_of(name: str, folder: Path) -> Path:
    """What a name means that was typed in a folder. Raises UsageError for what no file system can hold."""
    path = folder / name
    try:
        path.exists()
    except OSError as error:
        raise pytest.UsageError(f'"{name[:60]}…" is no name of a file: {error.strerror}.') from error
    return path


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A candidate that lies in the project holds no tests of it: its conftest.py is not run."""
    model = config.option.interp_model
    return True if model and os.path.realpath(collection_path) == os.path.realpath(model) else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not file_path.name.endswith(CASES):
        return None
    if not parent.config.pluginmanager.hasplugin("syrupy"):
        return WithoutSyrupy.from_parent(parent, path=file_path)
    from interp.testing.items import CaseFile

    return CaseFile.from_parent(parent, path=file_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "interp_device" not in metafunc.fixturenames:
        return
    from interp.errors import InputError
    from interp.testing.session import DEVICE, session_of

    try:
        devices = session_of(metafunc.config).settings.devices
    except InputError as error:
        raise pytest.Collector.CollectError(str(error)) from error
    if len(devices) > 1:
        metafunc.parametrize("interp_device", devices, ids=[f"{DEVICE}{device}" for device in devices], scope="session")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """pytest-xdist's, which also knows which cases are computed together."""
    if config.getoption("dist") != "loadgroup":
        return None
    from interp.testing.schedule import BatchScheduling

    return BatchScheduling(config, log)


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    from sys import modules

    if op != "==" or "interp.testing.snapshots" not in modules:
        return None
    from interp.testing.summary import assertion_lines

    return assertion_lines(config, left, right)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = [report for kind in ("passed", "failed", "xfailed") for report in terminalreporter.stats.get(kind, [])]
    if any(name.startswith("interp_") for report in reports for name, _ in report.user_properties):
        from interp.testing.summary import summarise

        summarise(terminalreporter, config)


class WithoutSyrupy(pytest.File):
    """A case file where it cannot be understood."""

    def collect(self) -> NoReturn:
        raise self.CollectError(_needs_syrupy())


def _needs_syrupy() -> str:
    from interp.versions import install_command

    return f"Case files and goldens need syrupy: {install_command('pytest')}"


@pytest.fixture(scope="session")
def interp_device(pytestconfig: pytest.Config) -> str:
    """The device that models are loaded on; with several, tests that use it run on each."""
    from interp.errors import InputError
    from interp.testing.session import session_of

    try:
        return session_of(pytestconfig).settings.devices[0]
    except InputError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def interp_model(pytestconfig: pytest.Config, interp_device: str) -> Explainer:
    """The model of --interp-model, or of [tool.interp]; loaded once."""
    from interp.errors import InterpError
    from interp.testing.session import session_of

    try:
        return session_of(pytestconfig).model(None, interp_device)
    except InterpError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def explain(pytestconfig: pytest.Config, interp_model: Explainer) -> Callable[..., Explanation]:
    """`explain(text, target, faithful=False, **question)`: an explanation by `interp_model`; see `interp.Question`, and
    `interp.Model.explain` for `faithful`.
    """
    from interp.question import Question
    from interp.testing.session import session_of

    settings = session_of(pytestconfig).settings

    def explain(text: str, target: TargetSpec, *, faithful: bool = False, **question: Any) -> Explanation:
        explanations: Iterator[Explanation] = interp_model.explain_many(
            [Question(text, target, **question)],
            tolerance=settings.integration_tolerance,
            max_evaluations=settings.max_evaluations,
            faithful=faithful,
            memory=settings.memory,
        )
        return next(explanations)

    return explain


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> GoldenSnapshot:
    """`assert explanation == golden`: the accepted explanation of this test, in a file under golden/."""
    if not request.config.pluginmanager.hasplugin("syrupy"):
        pytest.fail(_needs_syrupy(), pytrace=False)
    from interp.testing.items import rule_of
    from interp.testing.snapshots import GoldenExtension, GoldenSnapshot

    snapshot: SnapshotAssertion = request.getfixturevalue("snapshot")
    return GoldenSnapshot(snapshot.use_extension(GoldenExtension), request.node, rule_of(request.node))
