"""Evaluation models: networks that embed or classify music, with one protocol for each kind.

Only the bundled model's weights have been tested here. The other networks are tested with random weights against transformers'
classes or a transcription of their definition; their published weights are untested.
"""

from .opening import CLASSIFIERS, EMBEDDERS, MissingWeightsError, open_classifier, open_embedder
from .roles import ArtworkEmbedder, Classifier, Embedder, TextEmbedder

__all__ = [
    "CLASSIFIERS",
    "EMBEDDERS",
    "ArtworkEmbedder",
    "Classifier",
    "Embedder",
    "MissingWeightsError",
    "TextEmbedder",
    "open_classifier",
    "open_embedder",
]
