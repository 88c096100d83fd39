"""Opens parts of captioners in transformers' layout, from folders on this machine: nothing is downloaded, and no code in a folder is run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..checkpoints.pickles import read_pickle
from ..errors import CheckpointError

__all__ = ["LOCAL", "describes", "open_image_processor", "open_network"]

LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Options of every call that opens files of a captioner."""

PICKLED = "pytorch_model.bin"
WANTED = "a captioner as transformers saves it: config.json, weights, preprocessor_config.json and a tokenizer"
AGAIN = "Download it whole, or provide captions in a file."
FAILURES = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError)
"""What transformers raises for a folder that is incomplete, damaged or of another kind."""


@contextmanager
def describes(folder: Path) -> Iterator[None]:
    """Turn transformers' errors about a folder into one of ours.

    Raises:
        CheckpointError: files are missing, damaged or of another kind.
    """
    try:
        yield
    except FAILURES as error:
        raise _none(folder, " ".join(str(error).split())[:300]) from error


def open_network(kind: Any, folder: Path, dtype: torch.dtype | None) -> Any:  # noqa: ANN401  transformers has no types for this
    """The network of a captioner, ready for inference.

    Args:
        kind: transformers' class, such as an Auto class.
        folder: with safetensors, or with a pickle that holds weights only.
        dtype: precision; None keeps that of the file.

    Raises:
        CheckpointError: weights are missing or damaged.
    """
    options = {_by_version("dtype", "torch_dtype"): dtype or "auto", "output_loading_info": True, **LOCAL}
    pickled = folder / PICKLED
    safe = not pickled.is_file() or any(folder.glob("*.safetensors"))
    if not safe:
        read_pickle(
            pickled, WANTED, AGAIN
        )  # tells what is wrong with it; transformers opens it with `weights_only` too
    network, found = kind.from_pretrained(folder, use_safetensors=safe, weights_only=True, **options)
    if lacking := sorted(found["missing_keys"]):
        raise _none(folder, f"its weights lack {', '.join(lacking[:3])}")
    return network.eval()


def open_image_processor(folder: Path) -> Any:  # noqa: ANN401
    """What turns pictures into pixels, computed by Pillow and NumPy, so that torchvision is not needed."""
    from transformers import AutoImageProcessor  # noqa: PLC0415

    choice: dict[str, Any] = {"backend": "pil"} if _by_version(new=True, old=False) else {"use_fast": False}
    return AutoImageProcessor.from_pretrained(folder, **choice, **LOCAL)


def _by_version(new: Any, old: Any) -> Any:  # noqa: ANN401
    """A value for transformers 5 and later, or one for earlier versions."""
    import transformers  # noqa: PLC0415

    return new if int(transformers.__version__.split(".")[0]) >= 5 else old


def _none(folder: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{folder} contains no captioner ({why})", WANTED, AGAIN)
