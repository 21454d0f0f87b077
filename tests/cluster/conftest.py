"""Recording on a Ray cluster of two processors on this machine: `tox -e ray` brings Ray along."""

from __future__ import annotations

import os

import pytest

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # the latter: loopback alone


def pytest_configure(config: pytest.Config) -> None:
    """Libraries warn their developers, and what a cluster leaves open when it ends is its own affair."""
    for category in (
        "DeprecationWarning",
        "FutureWarning",
        "ResourceWarning",
        "pytest.PytestUnraisableExceptionWarning",
    ):
        config.addinivalue_line("filterwarnings", f"ignore::{category}")
