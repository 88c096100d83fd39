"""Estimates the memory of a training step before it starts: the step runs on tensors that have sizes and no values.

Networks are built from configurations, no weight is read, and every tensor of the forward and the backward pass is counted as long as
it exists. What is not counted: Python, torch and CUDA themselves, buffers inside the libraries of convolutions, and gaps between
allocations. With glibc's allocator a step took a fifth to two fifths more than its estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..checkpoints.folder import read_config
from ..conditioning.constants import prompted
from ..diffusion.denoiser import LatentDenoiser, build_unet
from ..diffusion.levels import read_levels
from ..networks.gpt2 import GPT2
from ..pipelines.choice import Choice
from ..pipelines.parts import open_parts
from ..types import Embedding, Plan
from .adapters import lora_of
from .allocations import Allocations
from .batches import LatentBatch
from .config import TrainingConfig
from .objective import read_options
from .objectives.aligner_options import AlignerOptions, untrained
from .objectives.diffusion import diffusion_loss
from .objectives.sources import encoder_folder
from .processes import precision_of

__all__ = ["Estimate", "Step", "aligner_step", "estimate", "estimate_step"]

MOMENTS = 2
"""Numbers that AdamW keeps for each trained one."""

PATCHES = 257
"""Patches of an artwork: those of ImageBind and of the largest usual CLIPs."""

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Estimate:
    """Bytes of one process in a training step.

    Attributes:
        frozen: weights that are not trained.
        trained: weights that are.
        gradients: gradients of all weights that have some, and their copies for the exchange between processes.
        optimiser: AdamW's moments.
        average: the moving average of the weights.
        inputs: the batch.
        activations: all other tensors at the moment when there are most.
    """

    frozen: int
    trained: int
    gradients: int
    optimiser: int
    average: int
    inputs: int
    activations: int

    @property
    def total(self) -> int:
        """The sum."""
        return sum(vars(self).values())

    def lines(self) -> list[str]:
        """A table in plain text, the sum last."""
        rows = {**vars(self), "total": self.total}
        return [f"{name:<12}{size / 1e9:8.3f} GB" for name, size in rows.items()]


class Step(NamedTuple):
    """What a training step computes.

    Attributes:
        networks: all networks, on `meta`. Those that require gradients get them.
        trained: those that the optimiser changes.
        batch: makes the inputs of a process, a dataclass of tensors.
        loss: their loss.
    """

    networks: nn.ModuleDict
    trained: nn.Module
    batch: Callable[[], Any]
    loss: Callable[[Any], Tensor]


def estimate(
    config: TrainingConfig, checkpoint: Path, *, device: torch.device | None = None, processes: int = 1
) -> Estimate:
    """Estimate a step of the stage `aligner` from the configuration files of its parts, in some seconds for published sizes.

    Args:
        config: configuration of the stage.
        checkpoint: the prior, as for the objective.
        device: the device of the training, which decides on the precision `auto`; by default the CPU.
        processes: number of processes that share the batch.

    Raises:
        SettingError: wrong options or sizes, or a precision that the device does not compute in.
        CheckpointError: a configuration or the text constants are missing or damaged.
    """
    precision = precision_of(config, device or torch.device("cpu"))
    found = estimate_step(aligner_step(config, checkpoint, processes), half=HALVES.get(precision))
    return replace(
        found,
        gradients=found.gradients * (2 if processes > 1 else 1),
        average=found.trained if config.ema else 0,
    )


def estimate_step(step: Step, *, half: torch.dtype | None = None) -> Estimate:
    """Estimate a step with AdamW in one process, without a moving average. The networks have no values afterwards either.

    Args:
        step: the step.
        half: precision of autocast; None for none.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: PLC0415  takes a second

    with FakeTensorMode(allow_non_fake_inputs=True):
        step.networks.to_empty(device="cpu")
        batch = step.batch()
        weights, inputs = list(step.networks.parameters()), list(_tensors(batch))
        with Allocations([*weights, *step.networks.buffers(), *inputs]) as watch:
            with torch.autocast("cpu", half or torch.bfloat16, enabled=half is not None):
                loss = step.loss(batch)
            loss.backward()
        trained = _bytes(step.trained.parameters())
        gradients = _bytes(weight.grad for weight in weights if weight.grad is not None)
        return Estimate(
            frozen=_bytes(weights) - trained,
            trained=trained,
            gradients=gradients,
            optimiser=MOMENTS * trained,
            average=0,
            inputs=_bytes(inputs),
            activations=watch.peak - gradients,
        )


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _tensors(value: Any) -> Iterable[Tensor]:  # noqa: ANN401
    """The tensors of a dataclass of tensors and further dataclasses."""
    if isinstance(value, Tensor):
        yield value
    elif hasattr(value, "__dict__"):
        yield from chain.from_iterable(map(_tensors, vars(value).values()))


def aligner_step(config: TrainingConfig, checkpoint: Path, processes: int = 1) -> Step:
    """The step of the stage `aligner`; its parts are built from their configuration files. Raises as :func:`estimate`."""
    options = read_options(config, AlignerOptions)
    parts = open_parts(Choice(str(checkpoint), encoder=options.encoder, support=options.support))
    encoder, rows = encoder_folder(parts.folder, options.encoder), config.batch // (processes * config.accumulate)
    with torch.device("meta"):
        language_model = GPT2(read_config(parts.folder, "language_model")).requires_grad_(requires_grad=False).eval()
        unet = build_unet(read_config(parts.folder, "unet")).requires_grad_(requires_grad=False).eval()
        aligner = untrained(config, options, encoder, parts.folder, parts.grid.language_width)
        lora = lora_of(unet, options.lora, config.seed)
    unet.checkpointing = config.checkpointing
    levels, constants, length = read_levels(parts.schedule), parts.constants, parts.grid.language_tokens
    size = max(1, rows), parts.grid.latent_channels, options.crop, parts.grid.latent_rows

    def batch() -> LatentBatch:
        some, whole = torch.zeros(size[0]), torch.zeros(size[0], dtype=torch.long)
        plan = Plan(some, some, some, whole, whole)
        return LatentBatch(torch.zeros(size), torch.zeros(size), whole, _embedding(aligner, size[0]), plan=plan)

    def loss(batch: LatentBatch) -> Tensor:
        told, _ = prompted(language_model, aligner.align(batch.embedding), constants, length)
        value = diffusion_loss(LatentDenoiser(unet), levels, batch, told).mean()
        if options.alignment is None:
            return value
        pairs = _embedding(aligner, options.alignment.pairs // processes)
        return value + prompted(language_model, aligner.align(pairs), constants, length)[0].language.square().mean()

    networks = nn.ModuleDict({"language_model": language_model, "unet": unet, "aligner": aligner})
    return Step(networks, nn.ModuleDict({"aligner": aligner, **lora}), batch, loss)


def _embedding(aligner: Any, rows: int) -> Embedding:  # noqa: ANN401
    """Embeddings of artworks that an aligner reads."""
    patches = None if aligner.patch_dim is None else torch.zeros(rows, PATCHES, aligner.patch_dim)
    return Embedding(torch.zeros(rows, aligner.dim or 1), aligner.space, patches)
