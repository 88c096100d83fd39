"""Visual Conditioning Extractor and Image Aligner: from an artwork to conditioning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from . import inputs
from .folders import encoder_names
from .packing import unpack_artworks, without_masked
from .sockets import EmbeddingSocket, LanguageSocket
from .stamps import aligner_stamps, encoder_stamps

if TYPE_CHECKING:
    import torch

    from .assembly import EncodedArtwork, Language

__all__ = ["ImageAligner", "VisualConditioningExtractor"]


class VisualConditioningExtractor(io.ComfyNode):
    """The frozen image encoder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusVisualConditioningExtractor",
            display_name="Visual Conditioning Extractor",
            category="Art2Mus",
            description="Computes the artwork's embedding with an image encoder, one for each picture of a batch.",
            search_aliases=["image encoder", "image embedding"],
            inputs=[
                inputs.artworks(),
                io.Combo.Input(
                    "encoder",
                    options=encoder_names(),
                    tooltip="The image encoder. It must be the one that the aligner was trained with: 'pocket' for the "
                    "pocket model.",
                ),
                inputs.mask(),
                inputs.invert(),
            ],
            outputs=[EmbeddingSocket.Output(display_name="embedding")],
        )

    @classmethod
    def fingerprint_inputs(cls, encoder: str | None, **_: Any) -> list[str]:  # noqa: ANN401  the other sockets
        return encoder_stamps(encoder)

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        encoder: str,
        mask: torch.Tensor | None = None,
        invert: bool = False,  # noqa: FBT001, FBT002  the socket's
    ) -> io.NodeOutput:
        from .assembly import encode_artworks

        artworks = unpack_artworks(without_masked(image, mask, invert=invert))
        hashes = [artwork.sha256 for artwork in unpack_artworks(image)]
        return io.NodeOutput(encode_artworks(artworks, encoder, hashes=hashes))


class ImageAligner(io.ComfyNode):
    """The trained aligner, followed by GPT-2."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusImageAligner",
            display_name="Image Aligner",
            category="Art2Mus",
            description="Turns the artwork's embedding into conditioning for the model. "
            "The outputs are standard CONDITIONING and work with this pack's sampler and with core samplers.",
            search_aliases=["language of audio", "GPT-2", "image to music conditioning"],
            inputs=[
                EmbeddingSocket.Input(
                    "embedding", tooltip="The artwork's embedding, from the Visual Conditioning Extractor."
                ),
                LanguageSocket.Input(
                    "language", tooltip="The model's language model (GPT-2), from Load Art2Mus Model."
                ),
                inputs.aligner(),
                inputs.strength(),
                io.String.Input(
                    "text",
                    default="",
                    optional=True,
                    tooltip="A text prompt used together with the artwork, for models with text encoders. Requires strength "
                    "1. Empty: the artwork alone.",
                ),
                io.String.Input(
                    "negative_text",
                    default="",
                    optional=True,
                    tooltip="A negative prompt, for models with text encoders: qualities that the music should not have. "
                    "Empty: the model's default.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive"),
                io.Conditioning.Output(display_name="negative"),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, aligner: str | None, **_: Any) -> list[str]:  # noqa: ANN401  the other sockets
        return aligner_stamps(aligner)

    @classmethod
    def execute(
        cls,
        *,
        embedding: EncodedArtwork,
        language: Language,
        aligner: str,
        strength: float,
        text: str = "",
        negative_text: str = "",
    ) -> io.NodeOutput:
        from .assembly import align

        return io.NodeOutput(*align(embedding, language, aligner, strength, text=text, negative=negative_text))
