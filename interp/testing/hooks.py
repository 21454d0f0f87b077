"""Hooks that a project's conftest.py may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from interp.cases.answer import Explainer

__all__ = ["pytest_interp_load"]


@pytest.hookspec(firstresult=True)
def pytest_interp_load(name: str, device: str, config: pytest.Config) -> Explainer | None:
    """Load the model `name` in a way of your own; None leaves it to `interp.load`."""
