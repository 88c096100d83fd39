"""The six nodes in a row, and what is heard of a file."""

from __future__ import annotations

from pathlib import Path

import av

IDS = [
    "Art2MusLoadArtwork",
    "Art2MusLoadModel",
    "Art2MusVisualConditioningExtractor",
    "Art2MusImageAligner",
    "Art2MusSampler",
    "Art2MusSaveAudio",
]


def graph(model: str, artwork: str = "Sample: silver forest", **sampler) -> dict:
    """The six nodes in a row, as the server takes them."""
    settings = {"seconds": 1.5, "steps": 3, "guidance": 1.5, "solver": "dpm++2m-karras", "seed": 0, **sampler}
    return {
        "1": {"class_type": IDS[0], "inputs": {"artwork": artwork}},
        "2": {"class_type": IDS[1], "inputs": {"model": model}},
        "3": {"class_type": IDS[2], "inputs": {"image": ["1", 0], "encoder": model, "mask": ["1", 1]}},
        "4": {
            "class_type": IDS[3],
            "inputs": {"embedding": ["3", 0], "language": ["2", 2], "aligner": "model", "strength": 1.0},
        },
        "5": {
            "class_type": IDS[4],
            "inputs": {
                "model": ["2", 0],
                "vae": ["2", 1],
                "positive": ["4", 0],
                "negative": ["4", 1],
                **settings,
            },
        },
        "6": {
            "class_type": IDS[5],
            "inputs": {"audio": ["5", 0], "cover": ["1", 0], "name": "out/piece", "format": "FLAC"},
        },
    }


def heard(path: Path):
    """Rate, samples as one array, and tags of a sound file."""
    with av.open(str(path)) as file:
        tags = {key.lower(): value for key, value in file.metadata.items()}
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
        return file.streams.audio[0].rate, [value for frame in frames for value in frame.ravel().tolist()], tags
