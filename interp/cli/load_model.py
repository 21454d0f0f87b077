"""Models that a command names: looked for before torch is imported, which takes seconds, and loaded in sight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from interp.cli.progress import phase

if TYPE_CHECKING:
    from interp.explain import Model

__all__ = ["check_models", "load_model"]


def check_models(names: Iterable[str], device: str) -> None:
    """Raise ModelError or DeviceError for names that can be no model, or no device; the hub is not asked."""
    from interp.models.device import check_device
    from interp.models.locate import check_name

    check_device(device)
    for name in names:
        check_name(name)


def load_model(name: str, device: str, dtype: str = "float32") -> Model:
    """As `interp.load`."""
    with phase(f"loading {name}"):
        from interp.explain import load

        return load(name, device, dtype)
