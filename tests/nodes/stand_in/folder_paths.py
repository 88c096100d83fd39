"""The part of ComfyUI's folder_paths that the nodes use, over folders a test chooses."""

from __future__ import annotations

from pathlib import Path

base = Path("nowhere")
base_path = "nowhere"
models_dir = "nowhere"
folder_names_and_paths: dict = {}


def get_input_directory():
    return str(base / "input")


def get_output_directory():
    return str(base / "output")


def get_temp_directory():
    return str(base / "temp")


def get_annotated_filepath(name):
    return str(base / "input" / name)


def exists_annotated_filepath(name):
    return (base / "input" / name).is_file()


def get_save_image_path(prefix, output):
    folder = Path(output) / Path(prefix).parent
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(prefix).name
    return str(folder), stem, len(list(folder.glob(f"{stem}_*"))) + 1, str(Path(prefix).parent), prefix
