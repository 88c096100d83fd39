"""What a training would be, compared with what it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from art2mus_core.checkpoints.folder import save_config
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.errors import CheckpointError, DatasetError, OutputError, SettingError
from art2mus_core.training.features.dataset import Dataset
from art2mus_core.training.grids import mel_grid
from art2mus_core.training.run.documents import weights_of
from art2mus_core.training.run.outlook import look, part_folder
from art2mus_core.training.stages import load_config, stage_builder

SIZES = {"hidden": 17, "tokens": 3}


def test_the_sizes_before_a_training_are_those_of_its_networks(pocket_like: Path, pairs: Path, tiny):
    config = tiny("aligner", {"alignment": None}, model=SIZES)
    objective = stage_builder(config, pairs, pocket_like)()
    seen = look(config, pairs, pocket_like)
    counts = weights_of(objective)
    assert seen.weights["trained"] == counts["trained"]
    networks = (objective.language_model, objective.unet)
    assert seen.weights["frozen"] == sum(each.numel() for network in networks for each in network.parameters())
    assert seen.pairs == {"train": len(objective.train_rows), "validation": len(objective.validation_rows)}
    assert {each.name: each.there for each in seen.features} == {"latents": True, "artworks": True}
    stores = sum(store.bytes for _, store in objective.data.stores.values())
    assert 0 < sum(each.bytes for each in seen.features) < stores  # which have headers and notes, too
    assert seen.document()["epochs"] == pytest.approx(config.steps * config.batch / len(objective.train_rows))


def test_sizes_that_do_not_fit_are_refused_before_any_work(pocket_like: Path, pairs: Path, tiny, monkeypatch):
    monkeypatch.setattr(Dataset, "_opened", None)
    with pytest.raises(SettingError, match="an aligner with dim 5; expected dim 7"):
        look(tiny("aligner", {"alignment": None}, model={**SIZES, "dim": 5}), pairs, pocket_like)
    with pytest.raises(SettingError, match="hiden"):
        look(tiny("aligner", {"alignment": None}, model={"hiden": 17, "tokens": 3}), pairs, pocket_like)


@pytest.mark.parametrize(
    ("options", "fields", "told"),
    [
        ({}, {"batch": 5, "accumulate": 2}, "a batch of 5 for 1 process and accumulate 2; expected a multiple of 2"),
        ({"crop": 999}, {}, "crop 999; expected 1 to"),
        ({"shuffled": True}, {"batch": 1}, "shuffled pairs in a batch of 1"),
        ({"gap": "shift"}, {}, "expected `gap: none`"),
        ({"alignment": {"weight": 0.1}}, {}, "has no head for sounds"),
        ({"source": "audio"}, {"model": {"kind": "resampler", "tokens": 3}}, "sounds have no patches"),
    ],
)
def test_what_a_training_refuses_is_refused_before_it(  # noqa: PLR0917
    pocket_like: Path, pairs: Path, tiny, options: dict, fields: dict, told: str
):
    config = tiny("aligner", {"alignment": None, **options}, **{"model": SIZES, **fields})
    with pytest.raises(SettingError, match=told):
        look(config, pairs, pocket_like)


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, None),
        ({"encoder": "imagebond"}, "no image encoder 'imagebond'"),
        ({"text_encoder": "pocket"}, "no text encoder in "),
        ({"start": "pocket"}, "which is no model that reads comments"),
    ],
)
def test_what_a_training_of_mels_refuses_is_refused_before_it(  # noqa: PLR0917
    commented: Path, mel_parts: Path, mel_config, monkeypatch, options: dict, told: str | None
):
    monkeypatch.setattr(Dataset, "_opened", None)  # no feature is computed
    if told is None:
        assert look(mel_config("diffusion", options), commented, mel_parts).pairs == {"train": 4, "validation": 3}
        return
    with pytest.raises(SettingError, match=told):
        look(mel_config("diffusion", options), commented, mel_parts)


@pytest.mark.usefixtures("letters")
def test_parts_and_pairs_that_a_training_of_mels_lacks_are_told_before_it(  # noqa: PLR0917
    commented: Path, pairs: Path, mel_parts: Path, mel_config, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(Dataset, "_opened", None)
    with pytest.raises(DatasetError, match="has comments"):
        look(mel_config("diffusion"), pairs, mel_parts)
    folder = shutil.copytree(mel_parts, tmp_path / "checkpoint")
    shutil.rmtree(folder / "codec_encoder")
    with pytest.raises(
        CheckpointError, match=r"has no codec_encoder; .* Train it first: `art2mus train art2music-codec "
    ):
        look(mel_config("diffusion"), commented, folder)
    shutil.rmtree(folder / "text_encoder")
    with pytest.raises(SettingError, match="no text encoder in"):
        look(mel_config("bilstm"), commented, folder)


@pytest.mark.parametrize(
    ("stage", "options", "told"),
    [
        ("vae", {"crop": 41}, "crop 41; expected 8 to"),
        ("codec", {"crop": 9999}, "crop 9999; expected 4 to"),
        ("vocoder", {"crop": 9999}, "crop 9999; expected 8 to"),
        ("prior", {"crop": 9999}, "crop 9999; expected 1 to"),
        ("embedding", {"crop": 9999}, "crop 9999; expected 1 to"),
        ("art2music-vocoder", {"mels": "predicted"}, "upsample_rates|no mel decoder"),
    ],
)
def test_every_stage_is_checked_before_features_are_computed(  # noqa: PLR0917
    pairs: Path, trained: Path, tiny, monkeypatch, stage: str, options: dict, told: str
):
    monkeypatch.setattr(Dataset, "_opened", None)
    if stage != "art2music-vocoder":
        assert look(tiny(stage), pairs, trained).steps == 4
    with pytest.raises(SettingError, match=told):
        look(tiny(stage, options), pairs, trained)


def test_a_packaged_mel_can_be_removed_as_the_refusal_says(tmp_path: Path):
    packaged = load_config("vae").mel.model_dump(mode="json")
    save_config(tmp_path, "codec_decoder", {"mel": {**packaged, "hop": 400}})
    with pytest.raises(SettingError, match=r"a mel with hop \d+; expected hop 400, .* as --set mel=null does"):
        mel_grid(load_config("vae"), tmp_path)
    assert mel_grid(load_config("vae", settings=["mel=null"]), tmp_path).hop == 400


def test_a_precision_that_the_device_lacks_is_refused(pairs: Path, trained: Path, tiny):
    with pytest.raises(SettingError, match="precision fp16 on the CPU"):
        look(tiny("vae", precision="fp16"), pairs, trained)


def test_a_batch_whose_examples_are_compared_is_not_divided(eye: Path, pairs: Path, tiny):
    with pytest.raises(SettingError, match="compares the examples"):
        look(tiny("embedding", batch=4, accumulate=2), pairs, eye)


def test_a_lora_is_counted(pocket_like: Path, pairs: Path, tiny):
    pytest.importorskip("peft")
    plain, more = (
        look(tiny("aligner", {"alignment": None, **lora}, model=SIZES), pairs, pocket_like)
        for lora in ({}, {"lora": {"rank": 3}})
    )
    config = tiny("aligner", {"alignment": None, "lora": {"rank": 3}}, model=SIZES)
    trained = weights_of(stage_builder(config, pairs, pocket_like)())["trained"]
    assert more.weights["trained"] == trained > plain.weights["trained"]
    assert more.weights["frozen"] == plain.weights["frozen"]
    assert more.memory["optimiser"] > plain.memory["optimiser"]


def test_only_missing_features_need_room(pocket_like: Path, pairs: Path, tiny, monkeypatch: pytest.MonkeyPatch):
    config = tiny("aligner", {"alignment": None}, model=SIZES)
    stage_builder(config, pairs, pocket_like)()
    usage = shutil.disk_usage(pairs)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1))
    assert look(config, pairs, pocket_like).features
    with pytest.raises(OutputError, match="for the missing features"):
        look(tiny("aligner", {"alignment": None, "views": 7}, model=SIZES), pairs, pocket_like)


def test_a_dataset_without_training_pairs_has_no_outlook(pocket_like: Path, pairs: Path, tiny, tmp_path: Path):
    write_manifest(tmp_path, [pair for pair in read_manifest(pairs) if pair.split == "validation"])
    with pytest.raises(DatasetError, match="no training pairs"):
        look(tiny("aligner", model=SIZES), tmp_path, pocket_like)


def test_a_prior_is_for_the_aligner(pocket_like: Path, tiny):
    assert part_folder(tiny("aligner"), Path("nothing"), str(pocket_like)) == pocket_like
    assert part_folder(tiny("vae"), Path("new"), None) == Path("new")
    with pytest.raises(SettingError, match="a prior for the stage vae"):
        part_folder(tiny("vae"), Path("new"), str(pocket_like))
    with pytest.raises(SettingError, match="no model 'audioldm3'"):
        part_folder(tiny("aligner"), Path("new"), "audioldm3")
    with pytest.raises(SettingError, match="no image encoder 'imagebond'"):
        part_folder(tiny("aligner", {"encoder": "imagebond"}), Path("new"), str(pocket_like))


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("options.crap=3", "crap: no such field, did you mean crop"),
        ("crop=3", "crop: no such field, did you mean options.crop"),
        ("optoins.shuffeld=true", "did you mean options"),
        ("options.crop=many", "options of stage aligner with crop: Input should be a valid integer"),
        ("options.crop=null", "crop: Input should be a valid integer"),
        ("options.name=my-lora", "name: ends in -lora.*; expected values as in docs/TRAINING.md"),
        ("options.crap=7", "; expected some of .*crop"),
    ],
)
def test_options_are_checked_with_the_configuration(setting: str, told: str):
    with pytest.raises(SettingError, match=told):
        load_config("aligner", settings=[setting])
