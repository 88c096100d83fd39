"""What a model is asked that captions by being asked."""

from __future__ import annotations

__all__ = ["PROMPTS"]

PROMPTS = {
    "artworks": "Describe this painting in one sentence: what it shows, its colours and its mood.",
    "music": "Describe this music in one sentence: its mood, tempo, instruments and style.",
}
"""The question by the kind of work. Captions that were made with another one are made again."""
