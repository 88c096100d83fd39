"""The two socket types of our own, and what travels through them."""

from __future__ import annotations

from comfy_api.latest import io

__all__ = ["EmbeddingSocket", "LanguageSocket"]

EmbeddingSocket = io.Custom("ART2MUS_EMBEDDING")
"""Carries `Look` of :mod:`.assembly`: what the encoder says of artworks, and which artworks they are."""

LanguageSocket = io.Custom("ART2MUS_LANGUAGE")
"""Carries `Language` of :mod:`.assembly`: GPT-2 and the text constants of one checkpoint."""
