"""Tiny random checkpoints of the route from an artwork and comments to music, in both kinds of mel decoders and of vocoders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .conftest import DIM, HIFIGAN, SCHEDULER, TONEWHEEL

TEXT_DIM, FUSED, LIMIT = 5, 6, 323
"""Widths of the text and of the fused embedding, and the frames of the longest mel: 4.0375 s with the tonewheel."""

MEL = TONEWHEEL["mel"]
HIFIGAN_MEL = {**MEL, "sample_rate": 1600, "hop": 20, "windows": [128, 64]}
NORMALISATION = {"name": "range", "low": -9, "high": 1}


class TinyWords(torch.nn.Module):
    """A text encoder that knows words of Latin letters, and reads four of them."""

    space, longest, dim = "tiny-words", 4, TEXT_DIM

    def __init__(self) -> None:
        super().__init__()
        self.row = torch.nn.Parameter(torch.linspace(0.5, 1.5, TEXT_DIM))

    def encode(self, texts: list[str]) -> Any:
        from art2mus_core.types import Embedding

        return Embedding(
            torch.stack([torch.cos(len(" ".join(text.split()[: self.longest])) * self.row) for text in texts]),
            self.space,
        )

    def known(self, texts: Sequence[str]) -> list[int]:
        return [sum(word.isalpha() and word.isascii() for word in text.split()) for text in texts]

    def foreign(self, text: str) -> list[str]:
        return [word for word in text.split() if not word.isascii()]


def load_tiny_words(folder: Path, *, normalised: bool) -> TinyWords:
    from art2mus_core.checkpoints.folder import load_component

    assert normalised
    return load_component(folder, ".", lambda config: TinyWords())


def write_art2music(folder: Path, *, drawn: bool = False, vocoder: str = "tonewheel", neutral: bool = True) -> Path:
    """A checkpoint whose mel decoder is a regression or is `drawn`, with a vocoder of either kind."""
    from art2mus_core.checkpoints.folder import save_component
    from art2mus_core.decoders.tonewheel import TonewheelVocoder
    from art2mus_core.encoders.pocket import PocketImageEncoder
    from art2mus_core.networks.fusion import GatedFusion
    from art2mus_core.networks.hifigan import HifiGan

    torch.manual_seed(0)
    encoder = PocketImageEncoder(16, [8, 16], DIM, "tiny")
    save_component(folder, "image_encoder", encoder, encoder.config, half=True)
    save_component(folder, "text_encoder", TinyWords(), {"model_type": "tiny_words", "space": "tiny-words"}, half=False)
    spaces = {"text_space": "tiny-words", "image_space": "tiny"}
    sizes = {"text_dim": TEXT_DIM, "image_dim": DIM, "dim": FUSED}
    fusion = {"model_type": "gated_residual", **sizes, **spaces, "normalised": True, "neutral": neutral}
    _save(folder, "fusion", GatedFusion(fusion), fusion)
    mel = MEL if vocoder == "tonewheel" else HIFIGAN_MEL
    (_write_drawn if drawn else _write_regression)(folder, mel)
    if vocoder == "tonewheel":
        played = TonewheelVocoder.from_config({**TONEWHEEL, "channels": 1})
        save_component(folder, "vocoder", played, played.config, half=True)
    else:
        config = {**HIFIGAN, "mel": mel}
        _save(folder, "vocoder", HifiGan(config), config)
    index = {"_class_name": "Art2MusicPipeline", "art2mus": {"steps": 2} if drawn else {}}
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def write_words(folder: Path) -> Path:
    """Replace a checkpoint's text encoder with a word encoder, which also a process that does not know :class:`TinyWords` opens."""
    from art2mus_core.checkpoints.folder import save_component
    from art2mus_core.encoders.words import AXES, VOCABULARY, WordEncoder

    words = ["calm", "wild", "##er", "sea"]
    sizes = {"pieces": len(words), "dim": TEXT_DIM - AXES, "hidden_dim": 3, "longest": 4}
    encoder = WordEncoder({"model_type": "word_vectors", "space": "tiny-words", **sizes})
    encoder.vectors.random_(-127, 128)
    save_component(folder, "text_encoder", encoder, {**encoder.config, "space": "tiny-words"}, half=False)
    (folder / "text_encoder" / VOCABULARY).write_text("\n".join(words), encoding="utf-8")
    return folder


def _write_regression(folder: Path, mel: dict[str, Any]) -> None:
    from art2mus_core.networks.bilstm import BiLstmDecoder

    sizes = {"fused_dim": FUSED, "dim": 7, "hidden_dim": 3, "layers": 1, "max_frames": LIMIT}
    config = {"model_type": "bilstm", **sizes, "mel": mel, "normalisation": NORMALISATION}
    _save(folder, "mel_decoder", BiLstmDecoder(config), config)


def _write_drawn(folder: Path, mel: dict[str, Any]) -> None:
    from art2mus_core.checkpoints.folder import save_component
    from art2mus_core.conditioning.plan import PlanModel
    from art2mus_core.networks.mel_codec import CodecDecoder
    from art2mus_core.networks.mel_transformer import MelTransformer

    codec = {"model_type": "mel_codec", "latent_dim": 13, "dim": 8, "blocks": 1, "patch": 2, "halvings": 1, "mel": mel}
    sizes = {"latent_dim": 13, "fused_dim": FUSED, "dim": 12, "layers": 1, "heads": 3, "bands": 2, "max_frames": LIMIT}
    levels = {"scheduler": {**SCHEDULER, "prediction_type": "v_prediction"}}
    config = {"model_type": "diffusion", **sizes, **levels, "mel": mel, "normalisation": NORMALISATION}
    _save(folder, "mel_decoder", MelTransformer(config), config)
    save_component(folder, "codec_decoder", CodecDecoder(codec), codec, half=False)
    plan = PlanModel(1, FUSED, 0.2, ["folk", "jazz trio"])
    save_component(folder, "plan_model", plan, plan.config, half=False)


def _save(folder: Path, part: str, network: torch.nn.Module, config: dict[str, Any]) -> None:
    from art2mus_core.checkpoints.folder import save_component

    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    save_component(folder, part, network, config, half=False)
