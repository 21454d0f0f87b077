"""Record or replace what modules return, and hold a model still; every change is undone when the context ends.

Nothing here outlives its `with` block, whether it ends well or by an exception: hooks, training modes and
gradient flags are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["first_tensor", "frozen", "interrupted", "recording", "recording_calls", "replacing", "saved_bytes"]


def first_tensor(output: Any) -> Tensor:
    """The hidden states of a layer that returns them alone or as the first of several."""
    value = output[0] if isinstance(output, tuple | list) else output
    if not isinstance(value, Tensor):
        raise TypeError(f"a layer must return a tensor or a tuple that starts with one, not {type(value).__name__}")
    return value


@contextmanager
def recording(layers: Sequence[nn.Module]) -> Iterator[list[list[Tensor]]]:
    """Collect the outputs of each layer, one list a layer in the order of `layers`, its calls in their order."""
    outputs: dict[nn.Module, list[Tensor]] = {layer: [] for layer in layers}
    with _listening(layers, lambda layer, output: outputs[layer].append(output)):
        yield [outputs[layer] for layer in layers]


@contextmanager
def recording_calls(layers: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    """Collect the outputs of all layers in the order in which they are called; a shared one has one for each call."""
    outputs: list[Tensor] = []
    with _listening(layers, lambda _layer, output: outputs.append(output)):
        yield outputs


@contextmanager
def _listening(layers: Iterable[nn.Module], keep: Callable[[nn.Module, Tensor], None]) -> Iterator[None]:
    """Hand the output of every call to `keep`; a layer that is named twice is listened to once."""
    with ExitStack() as stack:
        for layer in dict.fromkeys(layers):
            hook = layer.register_forward_hook(lambda module, _args, output: keep(module, first_tensor(output)))
            stack.callback(hook.remove)
        yield


class _ReachedError(Exception):
    """Ends a forward pass; never leaves `interrupted`."""


@contextmanager
def interrupted(module: nn.Module) -> Iterator[None]:
    """End the forward pass within the context once `module` has returned: what comes behind it is not computed."""

    def stop(_module: nn.Module, _args: Any, _output: Any) -> None:
        raise _ReachedError

    hook = module.register_forward_hook(stop)
    try:
        yield
    except _ReachedError:
        pass
    finally:
        hook.remove()


@contextmanager
def replacing(outputs: Mapping[nn.Module, Tensor]) -> Iterator[None]:
    """Let each module return the given tensor, whatever it computes."""

    def replacement(output: Tensor) -> Callable[..., Tensor]:
        return lambda _module, _args, _output: output

    with ExitStack() as stack:
        for module, output in outputs.items():
            stack.callback(module.register_forward_hook(replacement(output)).remove)
        yield


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Evaluation mode without parameter gradients: dropout is off, and no memory goes to gradients nobody asks for."""
    submodules = [submodule for module in modules for submodule in module.modules()]
    parameters = [parameter for module in modules for parameter in module.parameters()]
    training_modes = [submodule.training for submodule in submodules]
    gradient_flags = [parameter.requires_grad for parameter in parameters]
    try:
        for module in modules:
            module.eval().requires_grad_(False)
        yield
    finally:
        for submodule, mode in zip(submodules, training_modes, strict=True):
            submodule.training = mode
        for parameter, flag in zip(parameters, gradient_flags, strict=True):
            parameter.requires_grad_(flag)


@contextmanager
def saved_bytes() -> Iterator[Callable[[], int]]:
    """Count the bytes that a forward pass keeps for its backward pass, each storage once, parameters left out."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter) and not tensor.is_leaf:
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield lambda: sum(storages.values())
