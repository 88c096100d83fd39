"""Sentence encoders: any model in sentence-transformers' layout (Reimers and Gurevych 2019), opened offline."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ..checkpoints.names import MODULES, describe, is_sentence_encoder
from ..checkpoints.quiet import quietly
from ..digests import joint_digest
from ..errors import CheckpointError

__all__ = ["SentenceEncoder", "load_sentence_encoder", "sentence_encoder_digest"]

BATCH = 32
"""Texts that the network gets at once; they are sorted by length first."""

PROBES = "calm water", "loud drums"
"""Two texts of as many words, which no encoder may take for the same."""

CLOSE = 1e-4
"""Largest difference of two vectors' numbers that are equal but for rounding."""

EXPECTED = f"a folder of a model in sentence-transformers' layout, with {MODULES}"


@dataclass(frozen=True)
class SentenceEncoder:
    """A model that embeds texts.

    Attributes:
        network: `SentenceTransformer`.
        longest: tokens that it reads of a text, the special ones included; it passes over the others without a word. Infinite if there
            is no limit, or none that is known.
    """

    network: Any
    longest: float

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, with the model's own prompt; zeros if there is no limit."""
        if self.longest == math.inf:
            return [0] * len(texts)
        prompt = self.network.prompts.get(self.network.default_prompt_name or "") or ""
        whole = self.network.tokenizer([prompt + text for text in texts], truncation=False, verbose=False)
        return [len(ids) for ids in whole["input_ids"]]

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts dim"]:
        """The embeddings, of any length, with the prompt that the model itself uses for every text if it has one."""
        return np.asarray(self.network.encode(list(texts), batch_size=BATCH, show_progress_bar=False), np.float32)


def load_sentence_encoder(folder: Path, *, device: str = "cpu") -> SentenceEncoder:
    """Open the model in a folder; nothing is ever downloaded.

    sentence-transformers fills weights that are missing with random numbers, and may open a folder without the tokenizer's words, to
    which all texts are unknown. So the model is opened twice and embeds two texts: it must do so equally, and tell them apart.

    Args:
        folder: of the model.
        device: that it computes on.

    Raises:
        CheckpointError: another kind of folder, or a model that is incomplete, damaged or needs code of its own.
        ModuleNotFoundError: sentence-transformers is not installed.
    """
    _folders(folder)
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  of the extra texts

    try:
        with quietly():
            network, again = (
                SentenceTransformer(str(folder), device=device, local_files_only=True).float().eval() for _ in range(2)
            )
            first, second = (np.asarray(each.encode([*PROBES], show_progress_bar=False)) for each in (network, again))
    except Exception as error:
        raise CheckpointError(
            f"{folder} cannot be opened ({type(error).__name__}: {' '.join(str(error).split())[:200]})",
            EXPECTED,
            "Fetch the model again.",
        ) from error
    if not np.allclose(first, second, atol=CLOSE):
        raise CheckpointError(f"{folder} lacks weights", "all weights of its networks", "Fetch the model again.")
    if np.allclose(first[0], first[1], atol=CLOSE):
        raise CheckpointError(
            f"{folder} gives {' and '.join(map(repr, PROBES))} one embedding, as without the words of its tokenizer",
            "a model that tells texts apart",
            "Fetch the model again, with all files of its tokenizer.",
        )
    return SentenceEncoder(network, _longest(network))


def _folders(folder: Path) -> list[Path]:
    """Check that a folder is a sentence encoder by its configuration, and return the folders of its modules.

    A model in transformers' own layout is refused: sentence-transformers would open it and average the tokens, whatever it was trained
    for. So are sparse encoders and encoders of pairs.

    Raises:
        CheckpointError: it is not.
    """
    if not is_sentence_encoder(folder):
        what, remedy = describe(folder, is_sentence_encoder)
        raise CheckpointError(f"{folder} is {what}", EXPECTED, remedy)
    try:
        modules = json.loads((folder / MODULES).read_text(encoding="utf-8"))
        places = [folder / str(module["path"]) for module in modules]
        about = folder / "config_sentence_transformers.json"
        kind = json.loads(about.read_text(encoding="utf-8")).get("model_type") if about.is_file() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{folder} cannot be read ({error})", EXPECTED, "Fetch the model again.") from error
    if kind not in {None, "SentenceTransformer"}:
        raise CheckpointError(
            f"{folder} is a {kind}", "a SentenceTransformer, which gives a text one vector", "Choose another model."
        )
    return places


def sentence_encoder_digest(folder: Path) -> str:
    """sha256 over names and contents of the files of a sentence encoder.

    Raises:
        CheckpointError: another kind of folder.
    """
    places = dict.fromkeys([folder, *_folders(folder)])
    files = [
        path
        for place in places
        for path in sorted(place.glob("*"))
        if path.is_file() and path.suffix != ".md" and path.name[0] != "."
    ]
    return joint_digest(files, "\n".join(path.relative_to(folder).as_posix() for path in files).encode())


def _longest(network: Any) -> float:  # noqa: ANN401
    """Tokens that a model reads of a text; infinite where its tokenizer is not one of transformers, whose tokens can be counted."""
    from transformers import PreTrainedTokenizerBase  # noqa: PLC0415

    limit = network.max_seq_length
    counted = isinstance(getattr(network[0], "tokenizer", None), PreTrainedTokenizerBase)
    return float(limit) if counted and limit is not None else math.inf
