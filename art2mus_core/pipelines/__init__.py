"""Pipelines. `load("pocket").compose([artwork])` is the Python API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    import torch

    from .diffusion import ArtToMusic
    from .latents import LatentToMusic
    from .stages import Resident
    from .text_to_music import TextToMusic

__all__ = ["load"]


@overload
def load(name: str = ..., *, route: Literal["artwork"] = ..., **chosen: Any) -> ArtToMusic: ...  # noqa: ANN401
@overload
def load(name: str = ..., *, route: Literal["text"], **chosen: Any) -> TextToMusic: ...  # noqa: ANN401
@overload
def load(name: str = ..., *, route: Literal["sound"], **chosen: Any) -> LatentToMusic: ...  # noqa: ANN401
def load(  # type: ignore[misc]  # the overloads omit the common arguments
    name: str = "pocket",
    *,
    route: str = "artwork",
    aligner: str = "model",
    encoder: str | None = None,
    support: str = "model",
    heads: str = "config",
    lora: str | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    resident: Resident | None = None,
    offload: bool = False,
    preset: str | None = None,
) -> LatentToMusic:
    """Open a checkpoint as a pipeline.

    Args:
        name: `pocket` (in the package), the path of a checkpoint folder, or a name in `ART2MUS_HOME`.
        route: the input. `artwork`: pictures, by image encoder and aligner. `text`: texts alone, as AudioLDM 2 was published.
            `sound`: conditions or sounds that the caller provides.
        aligner: a name in the checkpoint's `aligner` folder, the name of a downloaded aligner, or a file.
        encoder: a checkpoint with an image encoder; by default the checkpoint's own, or the one the aligner was trained with.
        support: name of text constants in the checkpoint's `constants` folder.
        heads: `config`, or `original` for the attention heads of AudioLDM2's training code.
        lora: a LoRA of the denoiser, `FILE` or `FILE:STRENGTH`.
        dtype: precision of the denoiser, the language model and published encoders; by default float32.
        device: the device to compute on, to which each network is moved when it is first used; by default the CPU.
        resident: a memory policy, in place of a device.
        offload: load each network only for its stage and free it afterwards, instead of keeping all in memory; forced if the
            memory cannot hold all. Text encoders are always loaded for their stage alone.
        preset: the preset that pieces will have, if it is known: for `instant` the student is opened in place of the denoiser. It is
            chosen anew for each piece.

    Raises:
        SettingError: an unknown checkpoint, route, encoder, aligner, constants or LoRA, or a dtype that is not torch's.
        CheckpointError: a part is missing, damaged or does not match.
    """
    import torch  # noqa: PLC0415 - seconds of imports

    from ..checkpoints.lora import Lora  # noqa: PLC0415
    from ..errors import SettingError  # noqa: PLC0415
    from .choice import Choice  # noqa: PLC0415
    from .presets import check_preset  # noqa: PLC0415
    from .routes import open_route  # noqa: PLC0415
    from .stages import visiting  # noqa: PLC0415

    if not isinstance(dtype, torch.dtype | None):
        raise SettingError(f"dtype {dtype!r}", "a torch.dtype", "Use torch.float32, torch.bfloat16 or torch.float16.")
    change = Lora.parse(lora) if lora else None
    if preset is not None:
        check_preset(preset)
    choice = Choice(name, aligner, encoder, support, heads, dtype or torch.float32, change, preset)
    return open_route(choice, route, resident=resident or visiting(device or "cpu"), offload=offload)
