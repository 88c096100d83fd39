"""Artwork and comments to music through a mel: Art2Music (2025, arXiv 2512.00120)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch

from ..errors import SettingError
from ..types import Artwork, Fused, Mel, OnStep, Waveform
from .artworks import FromArtworks
from .choice import Choice
from .comments import AS_TRAINED, NOTHING, Comments, check_balance, fuse, pooled, remarks, tidied
from .mel_parts import MelParts, check_length, open_mel_parts
from .peaks import sound_memory
from .presets import of_preset
from .prompts import EncodedText, PromptText
from .settings import LONGEST, Settings, check_number, check_settings
from .stages import finished, vocode
from .streaming import streamed

__all__ = ["ArtAndCommentToMusic"]

SAMPLING = ("steps", "guidance", "solver", "reprise", "shared_noise", "guided_below")
"""Settings that count only where the mel is drawn."""


@dataclass(frozen=True)
class ArtAndCommentToMusic(FromArtworks):
    """Composes one piece of music per artwork and the comments on it."""

    NETWORKS: ClassVar[tuple[str, ...]] = ("encoder", "text_encoder", "fusion", "mel_decoder", "vocoder")
    FREED: ClassVar[tuple[str, ...]] = (*NETWORKS, "audio_encoder")

    parts: MelParts

    @classmethod
    def _checked(cls, choice: Choice) -> MelParts:
        parts = open_mel_parts(choice)
        parts.check()
        return parts

    def working(self, seconds: float, count: int) -> dict[str, int]:
        """Bytes besides weights that `count` pieces of a length need, by stage from the vocoder on; a mel decoder needs less."""
        return sound_memory(self.parts.folder, self.parts.grid, seconds, count)

    @property
    def drawn(self) -> bool:
        """Whether the mel is drawn, so that another seed makes another piece."""
        return self.parts.drawn

    @property
    def dtype(self) -> torch.dtype:
        """The lowest precision in which a network computes."""
        return self.parts.dtype

    def settings(self, **chosen: Any) -> Settings:  # noqa: ANN401
        """The checkpoint's settings of a `preset`, by default `balanced`, replaced by those that are given and not None.

        Raises:
            SettingError: a value outside its range, a preset that the checkpoint does not have, a piece longer than the mel decoder can make, or a setting of sampling for a
                mel decoder that draws nothing.
        """
        parts = self.parts
        check_length(chosen.get("seconds"), parts)
        given = check_settings(**chosen)
        unread = [name for name in SAMPLING if given.get(name) and not parts.drawn]
        if unread:
            raise SettingError(
                f"{unread[0]} with {parts.folder.name}, whose mel decoder draws nothing",
                "seconds and level alone",
                f"Leave {unread[0]} out.",
            )
        return replace(of_preset(parts.presets, given.get("preset"), parts.folder.name), **given)

    def encode_text(self, text: PromptText, *, on_step: OnStep | None = None) -> EncodedText:  # noqa: ARG002
        """Text prompts are for other routes.

        Raises:
            SettingError: always.
        """
        raise SettingError(
            f"a text prompt with {self.parts.folder.name}", "comments of viewers", "Give the text as a comment."
        )

    def compose(
        self,
        artworks: Sequence[Artwork],
        *,
        comments: Sequence[Sequence[str]] | None = None,
        balance: float = AS_TRAINED,
        seeds: Sequence[int] | None = None,
        text: EncodedText | None = None,
        on_step: OnStep | None = None,
        **chosen: Any,  # noqa: ANN401
    ) -> list[Waveform]:
        """Music for artworks and comments on them, in one batch.

        A piece depends on its artwork, the comments on it, its seed and the settings, but not on the rest of the batch (except for
        rounding in the last bits). A mel decoder that draws nothing makes the same piece with every seed.

        Args:
            artworks: one or more.
            comments: for each artwork any number, in any language that the text encoder reads. Several count by the mean of their
                embeddings, blank ones not at all; an artwork without any gets the neutral text that the fusion has learnt, or the
                embedding of the empty text if it has learnt none.
            balance: between picture (0) and words (1); at 0.5 both count as in training, towards 0 the text moves to the neutral
                one, and towards 1 the picture does, if the fusion has learnt a neutral picture.
            seeds: one per artwork; by default 0.
            text: none; other routes read it.
            on_step: called after every stage, and after every step of a mel that is drawn.
            **chosen: a `preset`, and settings that differ from it: seconds (1 to the mel decoder's limit), level (raise
                soft pieces); where the mel is drawn also steps, guidance, solver, guided_below, shared_noise and reprise; see
                :class:`~art2mus_core.pipelines.settings.Settings`.

        Returns:
            One waveform [1, 1, N] per artwork, N = `AudioGrid.samples(seconds)`.

        Raises:
            SettingError: a value outside its range, no artworks, another number of seeds or of lists of comments, a text prompt.
        """
        if text is not None:
            self.encode_text(PromptText())
        settings, grid = self.settings(**chosen), self.parts.grid
        mel = self.imagine(artworks, comments, settings, seeds=seeds, balance=balance, on_step=on_step)
        with torch.inference_mode(), self._using("vocoder", on_step) as vocoder:
            sound = vocode(vocoder, mel, grid, resident=self.resident)
            return finished(sound, grid, settings.seconds, levelled=settings.level, plans=mel.plans)

    def stream(
        self,
        artwork: Artwork,
        *,
        comments: Sequence[str] = (),
        balance: float = AS_TRAINED,
        seed: int = 0,
        chunk_seconds: float = 0.5,
        on_step: OnStep | None = None,
        **chosen: Any,  # noqa: ANN401
    ) -> Iterator[Waveform]:
        """Music for an artwork in chunks, each as soon as it is vocoded; the mel of the whole piece is made first.

        All chunks have one size, a whole number of mel frames, except for the last. Joined, they are the piece that a chunk as long
        as the piece would be, to 1e-6; its level differs from the one of :meth:`compose`, see
        :mod:`~art2mus_core.pipelines.streaming`.

        Args:
            artwork: the artwork.
            comments: on it; for these, `balance` and the settings see :meth:`compose`.
            balance: between picture and words.
            seed: seed of a mel that is drawn.
            chunk_seconds: length of a chunk, rounded to mel frames.
            on_step: called after every stage before the vocoder.
            **chosen: settings.

        Raises:
            SettingError: a value outside its range.
        """
        settings, grid = self.settings(**chosen), self.parts.grid
        check_number("chunk_seconds", chunk_seconds, 0.01, LONGEST)
        mel = self.imagine([artwork], [comments], settings, seeds=[seed], balance=balance, on_step=on_step)
        frames = max(1, round(chunk_seconds * grid.sample_rate / grid.hop))

        def chunks() -> Iterator[Waveform]:
            with self._using("vocoder", on_step, report=False) as vocoder, self.resident(vocoder):
                sizes: dict[str, Any] = {"chunk_frames": frames, "levelled": settings.level}
                yield from streamed(vocoder, mel, grid, settings.seconds, **sizes)

        return chunks()

    def imagine(
        self,
        artworks: Sequence[Artwork],
        comments: Sequence[Sequence[str]] | None,
        settings: Settings,
        *,
        seeds: Sequence[int] | None = None,
        balance: float = AS_TRAINED,
        on_step: OnStep | None = None,
    ) -> Mel:
        """The mels of whole pieces, [B, T, bins], as :meth:`compose` vocodes them."""
        drawn = self._seeds(seeds, len(artworks), "artwork")
        noise = settings.noise_seeds(drawn, [artwork.sha256 for artwork in artworks])
        frames = -(-self.parts.grid.samples(settings.seconds) // self.parts.grid.hop)
        with torch.inference_mode():
            fused = self.fuse(artworks, comments, balance=balance, on_step=on_step)
            with self._using("mel_decoder", on_step) as decoder, self.resident(decoder):
                return decoder.decode(fused, frames, noise, settings, on_step=on_step)

    def fuse(
        self,
        artworks: Sequence[Artwork],
        comments: Sequence[Sequence[str]] | None = None,
        *,
        balance: float = AS_TRAINED,
        on_step: OnStep | None = None,
    ) -> Fused:
        """Artworks and the comments on each as one vector; for the arguments see :meth:`compose`."""
        lists = [tidied(each) for each in comments] if comments is not None else [()] * len(artworks)
        if len(lists) != len(artworks):
            raise SettingError(
                f"{len(lists)} lists of comments for {len(artworks)} artworks", "one for each", "Pass one for each."
            )
        with self._using("fusion", None) as fusion, self.resident(fusion):
            check_balance(balance, fusion)
            neutral = fusion.neutral_text
        image = self.embed(artworks, on_step=on_step)
        with self._using("text_encoder", on_step) as encoder, self.resident(encoder):
            texts, calm = pooled(encoder, lists, neutral)
        with self._using("fusion", on_step) as fusion, self.resident(fusion):
            return fuse(fusion, texts, image.values, calm=calm, balance=balance)

    def remarks(self, comments: Sequence[str], seed: int = 0) -> list[str]:
        """Sentences for the user: which comments, or which part of them, are not read, and whether the seed counts."""
        found: list[str] = []
        if comments:
            with self._using("text_encoder", None) as encoder:
                found = remarks(encoder, comments)
        idle = seed and not self.parts.drawn
        return [*found, *([f"seed {seed} has no effect: this model makes one piece of each artwork"] if idle else [])]

    def tags(self, settings: Settings, text: PromptText, told: Comments = NOTHING) -> dict[str, str]:
        """The tags that all pieces of a run share; comments are one tag, one line each."""
        choice, encoder = self.parts.choice, self.parts.encoder_folder
        counts = {
            name: value
            for name, value in vars(settings).items()
            if self.parts.drawn or name not in (*SAMPLING, "preset")
        }
        rare = {
            "encoder_model": encoder.name if encoder != self.parts.folder else None,
            "comment": "\n".join(tidied(told.texts)),
            "text": text.text,
            "negative": text.negative,
        }
        return {
            "model": Path(choice.checkpoint).name,
            "image_encoder": self.parts.spaces["image"],
            "text_encoder": self.parts.spaces["text"],
            **{name: str(value) for name, value in counts.items()},
            "balance": f"{told.balance:g}",
            "precision": str(self.dtype).removeprefix("torch."),
            **{name: value for name, value in rare.items() if value},
        }
