"""The pack's socket types."""

from __future__ import annotations

from comfy_api.latest import io

__all__ = ["CommentedSocket", "EmbeddingSocket", "LanguageSocket"]

CommentedSocket = io.Custom("ART2MUS_COMMENTED")
"""Carries `Commented` of :mod:`.commented`: an opened checkpoint that reads comments."""

EmbeddingSocket = io.Custom("ART2MUS_EMBEDDING")
"""Carries `EncodedArtwork` of :mod:`.assembly`: embeddings of artworks and their hashes."""

LanguageSocket = io.Custom("ART2MUS_LANGUAGE")
"""Carries `Language` of :mod:`.assembly`: GPT-2 and the text constants of one checkpoint."""
