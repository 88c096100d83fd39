"""Graphs as the server takes them, and what is heard of a file."""

from __future__ import annotations

from pathlib import Path

import av

from art2mus_core.pipelines.settings import Settings

IDS = [
    "Art2MusLoadArtwork",
    "Art2MusLoadModel",
    "Art2MusVisualConditioningExtractor",
    "Art2MusImageAligner",
    "Art2MusSampler",
    "Art2MusSaveAudio",
]


def graph(model: str, artwork: str = "silver forest (sample)", **sampler) -> dict:
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
    """Rate, samples of the first channel, and tags of a sound file."""
    with av.open(str(path)) as file:
        tags = {key.lower(): value for key, value in file.metadata.items()}
        frames = [(frame.to_ndarray(), len(frame.layout.channels), frame.samples) for frame in file.decode(audio=0)]
        first = [
            values.reshape(-1)[: count * channels : channels] if values.shape[0] == 1 else values[0]
            for values, channels, count in frames
        ]
        return file.streams.audio[0].rate, [value for values in first for value in values.tolist()], tags


LOAD = {"class_type": "Art2MusLoadArtwork", "inputs": {"artwork": "silver forest (sample)"}}
SHORT = {"seconds": 1.0, "seed": 3}


def save(audio: list, name: str = "piece", **more) -> dict:
    inputs = {"audio": audio, "name": name, "format": "FLAC", **more}
    return {"class_type": "Art2MusSaveAudio", "inputs": inputs}


def in_one_node(**chosen) -> dict:
    inputs = {"image": ["1", 0], "model": "tiny", **SHORT, **chosen}
    return {"1": LOAD, "2": {"class_type": "Art2MusArtworkToMusic", "inputs": inputs}, "3": save(["2", 0])}


def in_four_nodes(model: str = "tiny", encoder: str = "tiny", aligner: str = "model", **settings) -> dict:
    look = {"image": ["1", 0], "encoder": encoder}
    align = {"embedding": ["3", 0], "language": ["2", 2], "aligner": aligner, "strength": 1.0}
    plain = {name: value for name, value in vars(Settings()).items() if name != "guided_below"}  # a preset's alone
    settings = {**plain, **SHORT, **settings}
    parts = {"model": ["2", 0], "vae": ["2", 1], "positive": ["4", 0], "negative": ["4", 1]}
    return {
        "1": LOAD,
        "2": {"class_type": "Art2MusLoadModel", "inputs": {"model": model}},
        "3": {"class_type": "Art2MusVisualConditioningExtractor", "inputs": look},
        "4": {"class_type": "Art2MusImageAligner", "inputs": align},
        "5": {"class_type": "Art2MusSampler", "inputs": parts | settings},
        "6": save(["5", 0]),
    }


def commented(**chosen) -> dict:
    inputs = {"image": ["1", 0], "comment": "calm", "balance": 0.5, "model": "words", **SHORT, **chosen}
    shown = {"class_type": "PreviewImage", "inputs": {"images": ["2", 1]}}
    return {"1": LOAD, "2": {"class_type": "Art2MusArt2Music", "inputs": inputs}, "3": save(["2", 0]), "4": shown}


def executed(server, prompt: dict) -> tuple[dict, list[str]]:
    """The history entry of a prompt, and the nodes that were not taken from the cache."""
    entry = server.run(prompt)
    assert entry["status"]["status_str"] == "success", server.error(entry)
    cached = [body["nodes"] for kind, body in entry["status"]["messages"] if kind == "execution_cached"]
    return entry, sorted(set(prompt) - set(cached[0]))


def loads(server) -> tuple[int, int]:
    """How often a model, and how often one of the other networks, was loaded into memory, as the host's log has it."""
    log = server.log.read_text()
    return log.count("Requested to load HostModel"), log.count("Requested to load Weights")
