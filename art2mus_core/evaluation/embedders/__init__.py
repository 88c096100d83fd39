"""What judges music: networks that embed it, and one that names what is heard, behind one protocol each.

Only the bundled model's weights have been run here. The others are checked with random weights against transformers' own
classes or a transcription of their definition; the published weights are run first by whoever fetches them.
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
