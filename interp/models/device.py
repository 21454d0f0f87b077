"""Where a model computes, and in which float type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from interp.errors import DeviceError, InputError

if TYPE_CHECKING:
    import torch

__all__ = ["DTYPES", "check_device", "dtype_name", "find_device", "find_dtype"]

DTYPES = ("float32", "float64", "bfloat16", "float16")
DEVICE = re.compile(r"auto|cpu|cuda(?::\d{1,3})?")


def check_device(device: str) -> None:
    """Raise DeviceError for what is the name of no device; whether it is there takes torch to tell."""
    if DEVICE.fullmatch(device) is None:
        raise DeviceError(f'Unknown device "{device}": choose auto, cpu, cuda or cuda:N.')


def find_device(device: str) -> torch.device:
    """auto, cpu, cuda or cuda:N as a torch device. Raises DeviceError when it is not there."""
    import torch

    check_device(device)
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device != "cpu":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(device.partition(":")[2] or 0) >= count:
            available = f"this machine has {count}" if count else "torch sees no CUDA device here"
            raise DeviceError(f'The device "{device}" is not there ({available}): use `device` cpu or auto.')
    return torch.device(device)


def dtype_name(dtype: torch.dtype) -> str:
    """A float type as users write it, the inverse of `find_dtype`."""
    return str(dtype).removeprefix("torch.")


def find_dtype(dtype: str) -> torch.dtype:
    """One of `DTYPES` as torch's. Raises InputError for others."""
    import torch

    if dtype not in DTYPES:
        raise InputError(f'Unknown dtype "{dtype}": choose one of {", ".join(DTYPES)}.')
    torch_dtype: torch.dtype = getattr(torch, dtype)
    return torch_dtype
