"""From checked tensors to a network that knows its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from effnet.architecture.scaling import build
from effnet.errors import CheckpointError
from effnet.network.model import EfficientNet
from effnet.weights.info import WeightsInfo
from effnet.weights.layouts import COUNTER
from effnet.weights.recognise import Match


class _WithoutInit(TorchFunctionMode):
    """Leaves every new tensor as it is: all values are about to be replaced.

    Initialising on the meta device would also import torch's compiler, which takes two seconds.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs.get("tensor", args[0] if args else None)
        return func(*args, **kwargs)


FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def collect(match: Match, read: Callable[[str], Tensor]) -> dict[str, Tensor]:
    """The tensors of a matched checkpoint under our names and in our axes, in their own dtype.

    Args:
        read: the tensor of a name of theirs. Its shape is checked again here.

    Raises:
        CheckpointError: for a value that is no finite float, or a negative variance.
    """
    found: dict[str, Tensor] = {}
    for ours, their in match.table.items():
        tensor = read(their.name)
        name = their.name[:80]
        if tensor.dtype not in FLOATS:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise CheckpointError(f"The tensor {name} holds {kind} values; weights are floats.")
        if their.axes is not None:
            tensor = tensor.permute(their.axes)
        tensor = tensor.detach().contiguous()
        if not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(
                f"The tensor {name} has values that are infinite or not a number; use a "
                "checkpoint from before the training diverged."
            )
        if ours.endswith(".running_var") and bool((tensor < 0).any()):
            raise CheckpointError(f"The tensor {name} is a variance and has negative values.")
        found[ours] = tensor
    return found


def assemble(
    info: WeightsInfo,
    tensors: Mapping[str, Tensor],
    *,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
) -> EfficientNet:
    """The network of `info.config` with these weights, in eval mode, and `info` attached.

    Args:
        tensors: every float tensor of the network under our names, as `collect` gives them.
        dtype: of the weights in memory; by default float64 when all are stored so, else float32.

    Raises:
        CheckpointError: when values are too large for `dtype`.
    """
    stored = {tensor.dtype for tensor in tensors.values()}
    wanted = dtype or (torch.float64 if stored == {torch.float64} else torch.float32)
    with torch.device("meta"), _WithoutInit():
        model = EfficientNet(build(info.config))
    state = {name: tensor.to(device=device, dtype=wanted) for name, tensor in tensors.items()}
    for name, tensor in state.items():
        if tensors[name].dtype.itemsize > wanted.itemsize and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"The tensor {name} has values too large for {wanted}.")
    counters = [name for name in model.state_dict() if name.endswith(COUNTER)]
    state |= {name: torch.zeros((), dtype=torch.long, device=device) for name in counters}
    model.load_state_dict(state, assign=True)
    model.info = info
    return model.eval()
