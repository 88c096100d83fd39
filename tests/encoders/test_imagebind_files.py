"""The published file: a small one of the same layout, and everything that can be wrong with it."""

from __future__ import annotations

import json
import os
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.names import is_encoder
from art2mus_core.encoders.imagebind import TOWERS
from art2mus_core.encoders.imagebind_files import HUGE, convert, open_towers, published_key
from art2mus_core.errors import CheckpointError, OutputError, SettingError
from art2mus_core.types import Artwork, Step, Waveform

WIDTH, HIDDEN, DIM = {"vision": 21, "audio": 10}, {"vision": 29, "audio": 17}, 11
SMALL: dict[str, dict[str, Any]] = {
    "vision": {
        **HUGE["vision"],
        "size": 15,
        "patch": 5,
        "width": 21,
        "layers": 2,
        "heads": 3,
        "hidden": 29,
        "dim": DIM,
    },
    "audio": {
        **HUGE["audio"],
        "bins": 23,
        "frames": 31,
        "patch": 8,
        "stride": 5,
        "width": 10,
        "layers": 1,
        "heads": 2,
        "hidden": 17,
        "dim": DIM,
        "sample_rate": 8000,
        "seconds": 0.3,
    },
}
OTHERS = {
    "modality_preprocessors.text.pos_embed": torch.full((1, 77, 16), torch.nan),
    "modality_preprocessors.text.mask": torch.zeros(77, 77),
    "modality_trunks.depth.blocks.0.attn.in_proj_weight": torch.zeros(48, 16, dtype=torch.float64),
    "modality_heads.imu.3.weight": torch.zeros(5, 512),
    "modality_postprocessors.thermal.1.log_logit_scale": torch.tensor(2.3),
}
"""Of towers nobody asks for; what is odd in them is nobody's business."""


def block(tower: str, layer: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes as they are published."""
    width, hidden, at = WIDTH[tower], HIDDEN[tower], f"modality_trunks.{tower}.blocks.{layer}"
    shapes: dict[str, tuple[int, ...]] = {
        f"{at}.attn.in_proj_weight": (3 * width, width),
        f"{at}.attn.in_proj_bias": (3 * width,),
        f"{at}.attn.out_proj.weight": (width, width),
        f"{at}.attn.out_proj.bias": (width,),
        f"{at}.norm_1.weight": (width,),
        f"{at}.norm_1.bias": (width,),
        f"{at}.mlp.fc1.weight": (hidden, width),
        f"{at}.mlp.fc1.bias": (hidden,),
        f"{at}.mlp.fc2.weight": (width, hidden),
        f"{at}.mlp.fc2.bias": (width,),
        f"{at}.norm_2.weight": (width,),
        f"{at}.norm_2.bias": (width,),
    }
    extra = {f"{at}.attn.bias_k": (1, 1, width), f"{at}.attn.bias_v": (1, 1, width)}
    return shapes | (extra if tower == "audio" else {})


SHAPES: dict[str, tuple[int, ...]] = {
    "modality_preprocessors.vision.cls_token": (1, 1, 21),
    "modality_preprocessors.vision.rgbt_stem.proj.1.weight": (21, 3, 2, 5, 5),
    "modality_preprocessors.vision.pos_embedding_helper.pos_embed": (1, 10, 21),
    "modality_preprocessors.audio.cls_token": (1, 1, 10),
    "modality_preprocessors.audio.rgbt_stem.proj.weight": (10, 1, 8, 8),
    "modality_preprocessors.audio.rgbt_stem.norm_layer.weight": (10,),
    "modality_preprocessors.audio.rgbt_stem.norm_layer.bias": (10,),
    "modality_preprocessors.audio.pos_embedding_helper.pos_embed": (1, 21, 10),
    "modality_trunks.vision.pre_transformer_layer.0.weight": (21,),
    "modality_trunks.vision.pre_transformer_layer.0.bias": (21,),
    **block("vision", 0),
    **block("vision", 1),
    **block("audio", 0),
    "modality_heads.vision.0.weight": (21,),
    "modality_heads.vision.0.bias": (21,),
    "modality_heads.vision.2.weight": (DIM, 21),
    "modality_heads.audio.0.weight": (10,),
    "modality_heads.audio.0.bias": (10,),
    "modality_heads.audio.2.weight": (DIM, 10),
    "modality_postprocessors.audio.1.log_logit_scale": (),
}
FIRST = "modality_preprocessors.vision.cls_token"
STEM = "modality_preprocessors.vision.rgbt_stem.proj.1.weight"


def weights() -> OrderedDict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    own = {key: 0.3 * torch.randn(shape, generator=generator) for key, shape in SHAPES.items()}
    return OrderedDict({**own, **OTHERS})


def write(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "imagebind_huge.pth", weights())


def test_the_published_sizes_are_the_published_counts():
    """392 and 177 keys; 632.8 and 86.2 million weights."""
    for name, keys, size in (("vision", 392, 632.8e6), ("audio", 177, 86.2e6)):
        with torch.device("meta"):
            state = TOWERS[name](HUGE[name]).state_dict()
        names = {published_key(name, key) for key in state}
        assert len(names) == len(state) == keys
        assert sum(value.numel() for value in state.values()) == pytest.approx(size, rel=1e-3)
    assert state["pos_embed"].shape == (1, 229, 768)


def test_a_name_that_no_tower_has_is_a_mistake():
    with pytest.raises(KeyError):
        published_key("vision", "tail.weight")


def test_every_weight_comes_to_its_place(path: Path):
    opened = open_towers(path, ["vision", "audio"], sizes=SMALL)
    found = {published_key(tower, key): value for tower, table in opened.items() for key, value in table.items()}
    expected = weights()
    assert set(found) == set(SHAPES)
    assert all(torch.equal(found[key], expected[key]) for key in SHAPES)


@pytest.mark.parametrize(("dtype", "name"), [(torch.float16, "F16"), (torch.bfloat16, "BF16"), (torch.float32, "F32")])
def test_both_towers_are_copied(path: Path, tmp_path: Path, dtype: torch.dtype, name: str):
    steps: list[Step] = []
    folder = tmp_path / "new" / "folder"
    written = convert(path, folder, dtype=dtype, sizes=SMALL, on_step=steps.append)
    assert [file.relative_to(folder).as_posix() for file in written] == [
        "image_encoder/model.safetensors",
        "audio_encoder/model.safetensors",
    ]
    assert [step.done for step in steps] == list(range(1, len(SHAPES) + 1))
    assert {step.total for step in steps} == {len(SHAPES)}
    with safe_open(written[0], framework="pt") as file:
        assert {file.get_slice(key).get_dtype() for key in file.keys()} == {name}  # noqa: SIM118
        assert file.metadata() == {"format": "pt", "source": "imagebind_huge.pth", "licence": "CC-BY-NC-SA-4.0"}
    assert sorted(p.name for p in folder.rglob("*")) == sorted(
        ["image_encoder", "audio_encoder", *["config.json", "model.safetensors"] * 2]
    )


def test_the_copy_loads_as_a_component(path: Path, tmp_path: Path):
    convert(path, tmp_path, dtype=torch.float32, sizes=SMALL)
    picture = Artwork(torch.randint(256, (3, 20, 31), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)))
    music = Waveform(0.1 * torch.randn(1, 1, 7000, generator=torch.Generator().manual_seed(1)), 8000)
    seeing = load_component(tmp_path, "image_encoder", TOWERS["vision"])
    hearing = load_component(tmp_path, "audio_encoder", TOWERS["audio"])
    opened = open_towers(path, ["vision", "audio"], sizes=SMALL)
    for copy, original in ((seeing, opened["vision"]), (hearing, opened["audio"])):
        assert set(copy.state_dict()) == set(original)
        assert all(torch.equal(value, original[key]) for key, value in copy.state_dict().items())
    assert seeing.encode([picture]).values.shape == hearing.encode(music).values.shape == (1, DIM)


def test_only_the_tower_asked_for_is_copied_and_the_other_may_be_broken(tmp_path: Path):
    broken = weights()
    del broken["modality_heads.audio.2.weight"]
    path = write(tmp_path / "some.pth", broken)
    convert(path, tmp_path / "out", towers=["vision"], sizes=SMALL)
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == ["image_encoder"]
    config = json.loads((tmp_path / "out" / "image_encoder" / "config.json").read_text())
    assert config == SMALL["vision"]
    assert (config["model_type"], config["space"]) == ("imagebind", "imagebind")


def test_an_older_copy_is_replaced(path: Path, tmp_path: Path):
    folder = tmp_path / "out"
    convert(path, folder, dtype=torch.float16, sizes=SMALL)
    before = (folder / "image_encoder" / "model.safetensors").stat().st_size
    convert(path, folder, dtype=torch.float32, sizes=SMALL)
    assert (folder / "image_encoder" / "model.safetensors").stat().st_size > 1.5 * before


@pytest.mark.parametrize("towers", [[], ["text"], ["vision", "depth"]])
def test_other_towers_are_not_known(path: Path, towers: list[str]):
    with pytest.raises(SettingError, match="vision or audio"):
        open_towers(path, towers, sizes=SMALL)


# Files that are wrong.


def without(key: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in weights().items() if name != key}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a key missing": (without(FIRST), f"lacks {FIRST};"),
    "another file": ({"visual.proj": torch.zeros(3)}, r"lacks .*cls_token.* and \d+ more"),
    "a key too many": (
        {**weights(), "modality_trunks.vision.blocks.2.norm_1.weight": torch.zeros(21)},
        "has unexpected modality_trunks.vision.blocks.2.norm_1.weight",
    ),
    "a shape": ({**weights(), FIRST: torch.zeros(1, 21, 1)}, r"cls_token of \[1, 21, 1\] for \[1, 1, 21\]"),
    "float8": ({**weights(), STEM: weights()[STEM].to(torch.float8_e4m3fn)}, f"contains {STEM} as float8_e4m3fn"),
    "integers": ({**weights(), FIRST: torch.zeros(1, 1, 21, dtype=torch.int64)}, f"contains {FIRST} as int64"),
    "sparse": (
        {**weights(), FIRST: torch.zeros(1, 1, 21).to_sparse()},
        f"contains {FIRST} as something other than a tensor|damaged",
    ),
    "no tensor": ({**weights(), FIRST: [1.0, 2.0]}, f"contains {FIRST} as something other than a tensor"),
    "wrapped": ({"model": weights()}, "lacks modality_"),
    "numbered": ({0: torch.zeros(3)}, "contains no weights by name"),
}


@pytest.mark.parametrize("case", WRONG)
def test_other_weights_are_refused_before_anything_is_written(tmp_path: Path, case: str):
    content, message = WRONG[case]
    path = write(tmp_path / "wrong.pth", content)
    with pytest.raises(CheckpointError, match=message):
        convert(path, tmp_path / "out", sizes=SMALL)
    assert not (tmp_path / "out").exists()
    with pytest.raises(CheckpointError, match=message):
        open_towers(path, ["vision"], sizes=SMALL)


def test_the_first_five_keys_are_named(tmp_path: Path):
    path = write(tmp_path / "wrong.pth", {})
    with pytest.raises(CheckpointError) as caught:
        open_towers(path, ["audio"], sizes=SMALL)
    assert caught.value.came.count("modality_") == 5
    assert caught.value.came.endswith(" and 18 more")


def test_weights_that_are_not_finite_are_refused(tmp_path: Path):
    broken = weights()
    broken["modality_heads.vision.2.weight"][3, 4] = torch.nan
    path = write(tmp_path / "nan.pth", broken)
    with pytest.raises(CheckpointError, match=r"not finite in modality_heads\.vision\.2\.weight"):
        convert(path, tmp_path / "out", sizes=SMALL)
    assert not list((tmp_path / "out").rglob("image_encoder/*"))


def test_weights_beyond_half_precision_ask_for_float32(tmp_path: Path):
    large = weights()
    large[FIRST][0, 0, 0] = 1e6
    path = write(tmp_path / "large.pth", large)
    with pytest.raises(CheckpointError, match="Convert to float32"):
        convert(path, tmp_path / "half", sizes=SMALL)
    assert convert(path, tmp_path / "full", towers=["vision"], dtype=torch.float32, sizes=SMALL)


class Trap:
    """Runs a command where a pickle is trusted."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_program_in_the_file_is_not_run(tmp_path: Path):
    mark = tmp_path / "mark"
    path = write(tmp_path / "trap.pth", {**weights(), "extra": Trap(mark)})
    with pytest.raises(CheckpointError, match="more than weights, which could run as a program"):
        open_towers(path, ["vision"], sizes=SMALL)
    assert not mark.exists()


def test_a_file_that_is_cut_short_is_refused(path: Path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(CheckpointError, match="cut short"):
        open_towers(path, ["vision"], sizes=SMALL)


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "bare pickle"])
def test_either_format_of_torch_and_any_float_is_converted(tmp_path: Path, archive: bool):
    exact = OrderedDict({**weights(), STEM: weights()[STEM].double()})
    torch.save(exact, tmp_path / "some.pth", _use_new_zipfile_serialization=archive)
    convert(tmp_path / "some.pth", tmp_path, towers=["vision"], dtype=torch.float32, sizes=SMALL)
    copy = load_component(tmp_path, "image_encoder", TOWERS["vision"]).state_dict()
    assert all(torch.equal(value, weights()[published_key("vision", key)]) for key, value in copy.items())


# Places that cannot take it.


def test_a_disk_that_is_too_small_is_refused_before_the_start(tmp_path: Path):
    wide = 10**13
    sizes = {"vision": {**SMALL["vision"], "dim": wide}}
    content = {**weights(), "modality_heads.vision.2.weight": torch.zeros(1, 1).expand(wide, 21)}
    path = write(tmp_path / "wide.pth", content)
    with pytest.raises(OutputError, match=r"GB are free on the disk of .*; expected 420000\.00 GB"):
        convert(path, tmp_path / "out", towers=["vision"], sizes=sizes)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_disk_that_fills_meanwhile_leaves_nothing(path: Path, tmp_path: Path):
    import resource

    def fill_up(step: Step) -> None:
        if step.done == 5:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2**10, before[1]))

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            convert(path, tmp_path / "out", sizes=SMALL, on_step=fill_up)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [file for file in (tmp_path / "out").rglob("*") if file.is_file()]


def test_a_place_that_is_a_file_is_refused(path: Path, tmp_path: Path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        convert(path, tmp_path / "taken", sizes=SMALL)


@pytest.mark.parametrize("left", [0, 1, 30], ids=["at the end", "at the last weight but one", "in the middle"])
def test_stopping_leaves_no_half_file_and_nothing_that_looks_complete(path: Path, tmp_path: Path, left: int):
    def stop(step: Step) -> None:
        if step.done == step.total - left:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(path, tmp_path / "out", sizes=SMALL, on_step=stop)
    made = sorted(file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").rglob("*.*"))
    assert made in ([], ["audio_encoder/config.json", "audio_encoder/model.safetensors"])
    assert not is_encoder(tmp_path / "out")
    convert(path, tmp_path / "out", sizes=SMALL)
    assert is_encoder(tmp_path / "out")
