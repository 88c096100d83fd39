"""CLAP (Wu et al. 2023, LAION's checkpoints in transformers' layout): one space for sounds and texts.

Sounds are processed as published: 48 kHz, windows of 10 s, a shorter sound repeated while it fits and padded with silence.
Windows do not overlap, unlike those of Gui et al. (2024), which overlap by nine seconds, so that the embeddings of a sound are as
independent as possible.

Checkpoints with feature fusion are refused, because it embeds random crops.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, PreTrainedTokenizerBase, RobertaTokenizerFast

from ...audio.mono import mono
from ...checkpoints.folder import describes
from ...checkpoints.strict import check_fit, fill, tensor_forms
from ...errors import CheckpointError, EvaluationError
from ...measure.sets.rows import unit
from ...types import Waveform
from .weights import AGAIN, FRONT_END, digest, load_front_end, published_file, read_model_config, read_published
from .windows import cut

__all__ = ["Clap", "TextClap", "open_clap"]

COUNTERS = (".position_ids", ".token_type_ids", ".relative_position_index")
"""Suffixes of buffers of indices, which only some versions of transformers store."""

PROBES = ("a slow piano", "fast drums and a loud guitar", "0 1 2 3 4 5 6 7 8 9")
ALIKE = 0.97
"""Cosine that unrelated texts stay below if the text encoder works; about 0.3 is reported for laion/larger_clap_general and
0.999 for laion/larger_clap_music."""

AT_ONCE = 8


class Clap:
    """CLAP's audio encoder.

    Args:
        name: name of the embedder.
        space: identity of the checkpoint.
        network: both encoders.
        extractor: sound to input features.
    """

    def __init__(self, name: str, space: str, network: ClapModel, extractor: ClapFeatureExtractor) -> None:
        self.name, self.space, self.least = name, space, 0.0
        self.network, self.extractor = network, extractor

    @torch.inference_mode()
    def embed_sound(self, waveform: Waveform) -> Float64[np.ndarray, "windows dim"]:
        """One embedding of unit norm for every 10 s.

        Raises:
            AudioError: several sounds, or samples that are not finite.
        """
        rate = self.extractor.sampling_rate
        windows = [window.numpy() for window in cut(mono(waveform, rate), self.extractor.nb_max_samples)]
        rows = []
        for start in range(0, len(windows), AT_ONCE):
            features = self.extractor(
                windows[start : start + AT_ONCE], truncation="rand_trunc", sampling_rate=rate, return_tensors="pt"
            )
            rows.append(
                _rows(self.network.get_audio_features(features["input_features"].to(self.network.logit_scale_a)))
            )
        return np.concatenate(rows)


class TextClap(Clap):
    """CLAP with its text encoder.

    Args:
        clap: the audio encoder.
        tokenizer: text to token ids.
    """

    def __init__(self, clap: Clap, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(clap.name, clap.space, clap.network, clap.extractor)
        self.tokenizer = tokenizer

    @torch.inference_mode()
    def embed_texts(self, texts: list[str]) -> Float64[np.ndarray, "texts dim"]:
        """One embedding of unit norm for each text, cut to the encoder's context.

        Raises:
            EvaluationError: no texts.
        """
        if not texts:
            raise EvaluationError("no texts", "at least one", "Add a caption for every artwork to items.json.")
        tokens = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(self.network.device)
        asked = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        return _rows(self.network.get_text_features(**asked))

    def distinguishes_texts(self) -> bool:
        """Whether the embeddings of unrelated texts differ."""
        rows = self.embed_texts(list(PROBES))
        return bool((rows @ rows.T).min() <= ALIKE)


def open_clap(name: str, folder: Path, device: torch.device, *, kind: str) -> Clap:
    """A CLAP folder in transformers' layout, in float32.

    Args:
        name: name of the embedder.
        folder: folder with config.json, preprocessor_config.json, vocab.json and merges.txt (or tokenizer.json), and the
            weights as model.safetensors or pytorch_model.bin.
        device: where it computes.
        kind: prefix of the space's name.

    Returns:
        A :class:`TextClap`, or only a :class:`Clap` if the text encoder does not distinguish texts.

    Raises:
        CheckpointError: a file is missing, damaged or of another network.
    """
    config, path = _read_clap_config(folder), published_file(folder)
    build = partial(ClapModel, config)
    table = read_published(path, "the weights of a CLAP", AGAIN)
    with describes(folder / "config.json", "CLAP"):
        network = _on_meta(build)
    tensors = _with_counters(table, network, build)
    check_fit(network, tensor_forms(tensors), path)
    network = fill(network, tensors, path, build, dtype=torch.float32)
    network.to(device)  # type: ignore[arg-type]  # transformers' wrapper hides the argument
    extractor, tokenizer = _load_extractor(folder, config), _load_tokenizer(folder, config)
    clap = Clap(name, f"{kind}-{digest([path, folder / FRONT_END])}", network, extractor)
    with_text = TextClap(clap, tokenizer)
    return with_text if with_text.distinguishes_texts() else clap


def _read_clap_config(folder: Path) -> Any:  # noqa: ANN401 - transformers' configurations have no types
    stored = read_model_config(folder, "clap", "CLAP")
    with describes(folder / "config.json", "CLAP"):
        config: Any = ClapConfig.from_dict(stored)
    if config.audio_config.enable_fusion:
        raise CheckpointError(
            f"the CLAP in {folder} fuses random crops of a sound",
            "one without feature fusion, whose embeddings are deterministic",
            "Use clap-music or clap-general.",
        )
    return config


def _on_meta(build: Callable[[], ClapModel]) -> ClapModel:
    """The network on `meta`; older versions of transformers need real tensors while they build it."""
    try:
        with torch.device("meta"):
            return build()
    except RuntimeError:
        return build().to("meta")  # type: ignore[arg-type]  # transformers' wrapper hides the argument


def _with_counters(table: dict[str, Any], network: ClapModel, build: Any) -> dict[str, Any]:  # noqa: ANN401
    """The weights with the index buffers of this version of transformers, whichever were stored."""
    state = network.state_dict()
    kept = {key: value for key, value in table.items() if key in state or not key.endswith(COUNTERS)}
    absent = [key for key in state if key.endswith(COUNTERS) and key not in kept]
    built = build().state_dict() if absent else {}
    return kept | {key: built[key] for key in absent}


def _load_extractor(folder: Path, config: Any) -> ClapFeatureExtractor:  # noqa: ANN401
    extractor = load_front_end(ClapFeatureExtractor, folder, "CLAP")
    if extractor.feature_size != config.audio_config.num_mel_bins:
        raise CheckpointError(
            f"{folder / FRONT_END} has {extractor.feature_size} mel bins",
            f"the {config.audio_config.num_mel_bins} of config.json",
            "Use all files of one checkpoint, or download it again.",
        )
    return extractor


def _load_tokenizer(folder: Path, config: Any) -> PreTrainedTokenizerBase:  # noqa: ANN401
    whole = (folder / "tokenizer.json").is_file() or all((folder / n).is_file() for n in ("vocab.json", "merges.txt"))
    if not whole:
        raise CheckpointError(f"no tokenizer in {folder}", "vocab.json and merges.txt, or tokenizer.json", AGAIN)
    with describes(folder / "vocab.json", "RoBERTa's tokenizer"):
        tokenizer = RobertaTokenizerFast.from_pretrained(folder, local_files_only=True)
    text = config.text_config
    if len(tokenizer) > text.vocab_size or tokenizer.pad_token_id != text.pad_token_id:
        raise CheckpointError(
            f"the tokenizer in {folder} has {len(tokenizer)} tokens and pads with {tokenizer.pad_token_id}",
            f"at most {text.vocab_size} and {text.pad_token_id}, as in config.json",
            "Use all files of one checkpoint, or download it again.",
        )
    # RoBERTa numbers positions from the padding's index + 1
    tokenizer.model_max_length = min(tokenizer.model_max_length, text.max_position_embeddings - text.pad_token_id - 1)
    return tokenizer


def _rows(output: Any) -> Float64[np.ndarray, "rows dim"]:  # noqa: ANN401 - a tensor before transformers 5, an object since
    return unit(getattr(output, "pooler_output", output).cpu().double().numpy())
