"""Where a model computes, and in which float type."""

from __future__ import annotations

import re

import torch

from interp.errors import DeviceError, InputError

__all__ = ["DTYPES", "find_device", "find_dtype"]

DTYPES = ("float32", "float64", "bfloat16", "float16")


def find_device(device: str) -> torch.device:
    """auto, cpu, cuda or cuda:N as a torch device. Raises DeviceError when it is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    match = re.fullmatch(r"cpu|cuda(?::(\d+))?", device)
    if match is None:
        raise DeviceError(f'Unknown device "{device}": choose auto, cpu, cuda or cuda:N.')
    if device != "cpu":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(match[1] or 0) >= count:
            available = f"this machine has {count}" if count else "torch sees no CUDA device here"
            raise DeviceError(f'The device "{device}" is not there ({available}): use `device` cpu or auto.')
    return torch.device(device)


def find_dtype(dtype: str) -> torch.dtype:
    """One of `DTYPES` as torch's. Raises InputError for others."""
    if dtype not in DTYPES:
        raise InputError(f'Unknown dtype "{dtype}": choose one of {", ".join(DTYPES)}.')
    torch_dtype: torch.dtype = getattr(torch, dtype)
    return torch_dtype
