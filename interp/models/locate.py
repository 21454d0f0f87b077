"""Where a model of some name is: bundled, in a directory, or on the hub."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from interp import bundled
from interp.errors import ModelError
from interp.project.paths import checked_path

__all__ = ["check_name", "locate"]


def locate(name: str) -> tuple[str, bool]:
    """Where to read from, and whether that is on this machine alone. Raises ModelError."""
    path = check_name(name)
    return (str(path), True) if path is not None else (name, not _hub_has(name))


def check_name(name: str) -> Path | None:
    """The directory that a name means; None for the id of a model on the hub, which is not asked.

    Raises ModelError for what can be neither.
    """
    if name in bundled.NAMES:
        return bundled.directory(name)
    path = checked_path(name)
    if path.is_dir():
        if not any([*path.glob("*.safetensors"), *path.glob("*.bin")]):
            raise ModelError(f'The directory "{name}" holds no weights (model.safetensors or pytorch_model.bin).')
        return path
    if path.exists():
        raise ModelError(f'"{name}" is a file: give the directory that holds the model.')
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or name.startswith("."):
        known = " and ".join(bundled.NAMES)
        close = get_close_matches(name, bundled.NAMES, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        raise ModelError(
            f'Unknown model "{name}". The bundled models are {known}; else give a directory or a hub id, '
            f"owner/name.{hint}"
        )
    return None


def _hub_has(name: str) -> bool:
    """Ask the hub once, without retries; False when it cannot be reached, so that only the cache is looked at."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(name, timeout=10)
    except HfHubHTTPError as error:
        if error.response is not None and error.response.status_code in (401, 403, 404):
            raise ModelError(f'The hub has no model "{name}" that you may read: check its name, or log in.') from error
        return False
    except Exception:  # offline mode, no network, no name service: each library below has its own exception for it
        return False
    return True
