"""Whole routes to music. `load("pocket").compose([artwork])` is the Python API."""

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
def load(  # type: ignore[misc]  # the first three leave out what they have in common
    name: str = "pocket",
    *,
    route: str = "artwork",
    aligner: str = "model",
    encoder: str | None = None,
    support: str = "model",
    heads: str = "config",
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    resident: Resident | None = None,
    frugal: bool = False,
) -> LatentToMusic:
    """Open a checkpoint as a pipeline.

    Args:
        name: `pocket`, which comes with the package, the path of a checkpoint folder, or a name below `ART2MUS_HOME`.
        route: what goes in. `artwork`: pictures, through image encoder and aligner. `text`: words alone, as AudioLDM 2 was
            published. `sound`: nothing is read; what the denoiser is told, or a sound, is given by the caller.
        aligner: a name in the checkpoint's `aligner` folder, the name of a fetched aligner, or a file.
        encoder: a checkpoint with an image encoder; without one, the checkpoint's own, or the aligner's.
        support: text constants, a name in the checkpoint's `constants` folder.
        heads: `config`, or `original` for the heads of AudioLDM2's first code.
        dtype: precision of the denoiser, the language model and published encoders, float32 unless told otherwise.
        device: where networks compute; each goes there when it is first needed. The CPU unless told otherwise.
        resident: a memory policy of the caller's own, instead of a device.
        frugal: open each network only for its work and forget it afterwards, instead of all at once and for good;
            done anyway where the memory does not hold them all. Text encoders are always opened for their work alone.

    Raises:
        SettingError: no such checkpoint, route, encoder, aligner or constants.
        CheckpointError: something in it is missing, damaged or does not fit.
    """
    import torch  # noqa: PLC0415 - seconds of imports

    from .parts import Choice  # noqa: PLC0415
    from .routes import open_route  # noqa: PLC0415
    from .stages import visiting  # noqa: PLC0415

    choice = Choice(name, aligner, encoder, support, heads, dtype or torch.float32)
    return open_route(choice, route, resident=resident or visiting(device or "cpu"), frugal=frugal)
