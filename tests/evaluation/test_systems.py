"""What each kind of system makes, beside the pipeline asked directly."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.level import finish
from art2mus_core.audio.mel import MelTransform
from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.folder import weights_file
from art2mus_core.checkpoints.lora import denoiser_fingerprint, save_lora
from art2mus_core.checkpoints.student import student_file
from art2mus_core.errors import CheckpointError, EvaluationError, SettingError
from art2mus_core.evaluation.config import EvaluationConfig
from art2mus_core.evaluation.gathering import gather_artworks
from art2mus_core.evaluation.records import Piece, Subject
from art2mus_core.evaluation.systems import Workshop
from art2mus_core.evaluation.systems.shuffled import partners
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.pipelines.settings import MOST_SEED
from art2mus_core.types import Condition, Mel

from .material import configured, write_dataset, write_sound


@pytest.fixture
def folder(paintings, tmp_path) -> Path:
    """With artworks, and music for two of them."""
    for number, name in enumerate(("dawn", "dusk")):
        write_sound(tmp_path / "music" / f"{name}.flac", number, seconds=1.5 - number)
    return tmp_path


def opened(config: EvaluationConfig, out: Path) -> Workshop:
    return Workshop(out, config.seconds, config.seeds, gather_artworks(config), config.systems)


def workshop(folder: Path, system: dict, **fields) -> Workshop:
    artworks = {"artworks": [{"folder": "paintings"}], "reference": "music"}
    return opened(configured(folder, **artworks, **fields, systems={"it": system}), folder / "out")


def made(shop: Workshop) -> list[torch.Tensor]:
    """All pieces of the system, as samples [N]."""
    return [piece.samples[0, 0] for piece in shop.systems["it"].make(shop.jobs("it"), shop, None)]


def test_an_artwork_sounds_as_its_pipeline_makes_it(folder, checkpoint):
    shop = workshop(folder, {"kind": "artwork", "model": str(checkpoint), "steps": 2, "guidance": 3.0})
    jobs, pieces = shop.jobs("it"), made(shop)
    assert [job.subject.id for job in jobs] == ["dawn", "dusk", "noon"]
    pipeline = load(str(checkpoint))
    for job, piece in zip(jobs, pieces, strict=True):
        artwork = read_artwork(job.subject.path)
        [expected] = pipeline.compose([artwork], seeds=[0], seconds=1.0, steps=2, guidance=3.0)
        assert (piece - expected.samples[0, 0]).abs().max() < 1e-4
    said = shop.described["it"]
    assert (said["steps"], said["guidance"], said["solver"], said["seconds"]) == (2, 3.0, "dpm++2m-karras", 1.0)
    assert (said["preset"], said["guided_below"]) == ("balanced", 1.0)
    assert (said["model"], said["image_encoder"], said["precision"]) == (checkpoint.name, "tiny", "float32")


@pytest.mark.parametrize(
    ("chosen", "precision"),
    [({}, "bfloat16"), ({"preset": "exact"}, "float32"), ({"preset": "exact", "precision": "float16"}, "float16")],
)
def test_the_preset_exact_computes_in_float32_unless_told_otherwise(folder, pocket_like, chosen, precision):
    shop = workshop(folder, {"kind": "artwork", "model": str(pocket_like), **chosen})
    said = replace(shop, dtype=torch.bfloat16).described["it"]
    assert (said["preset"], said["precision"]) == (chosen.get("preset", "balanced"), precision)


@pytest.mark.parametrize("kind", ["artwork", "unconditional"])
def test_pieces_of_another_student_are_other_pieces(folder, pocket_like, kind):
    model = shutil.copytree(pocket_like, folder / "model")
    facts = {"alpha": 1.0, "prior": "", "denoiser": denoiser_fingerprint(model), "licence": "", "run": ""}
    weight = load_file(weights_file(model, "unet"))["conv_in.weight"]
    outputs, *inputs = weight.shape

    def digests(value: float) -> list[str]:
        change = {"lora_A.weight": torch.ones(1, *inputs), "lora_B.weight": torch.full((outputs, 1, 1, 1), value)}
        layers = {f"conv_in.{name}": tensor for name, tensor in change.items()}
        save_lora(student_file(model), layers, **facts, told={"steps": "2"})
        chosen = ({"preset": "instant"}, {})
        return [
            workshop(folder, {"kind": kind, "model": str(model), **each}).described["it"]["weights"] for each in chosen
        ]

    (first, plain), (second, same) = digests(0.1), digests(0.2)
    assert first != second
    assert plain == same


def test_a_seed_is_an_artworks_own(folder, pocket_like):
    shop = workshop(folder, {"kind": "artwork", "model": str(pocket_like)}, seeds=[0, 9])
    jobs = shop.jobs("it")
    assert [job.name for job in jobs] == ["dawn", "dawn--2", "dusk", "dusk--2", "noon", "noon--2"]
    seeds = [job.seed for job in jobs]
    assert len(set(seeds)) == 6
    assert all(0 <= seed <= MOST_SEED for seed in seeds)
    renamed = [replace(job, subject=replace(job.subject, id="other", path=Path("elsewhere"))) for job in jobs]
    assert [job.seed for job in renamed] == seeds
    system = shop.systems["it"]
    assert [system.tagged_seed(job) for job in jobs] == [0, 9] * 3


def test_artworks_share_their_noise_if_the_configuration_says_so(folder, pocket_like):
    chosen = {"kind": "artwork", "model": str(pocket_like), "guidance": 0, "steps": 2}
    own, shared = (made(workshop(folder, {**chosen, "shared_noise": shared})) for shared in (False, True))
    assert (shared[0] - shared[1]).abs().max() < 1e-3
    assert (own[0] - own[1]).abs().max() > 1e-2


def test_captions_sound_as_texts(folder, talking_like):
    shop = workshop(
        folder,
        {"kind": "text", "model": str(talking_like), "steps": 2, "negative": "Low", "template": "Music of {caption}"},
    )
    shop.subjects = {key: replace(each, caption=f"the place{' and' * len(key)}") for key, each in shop.subjects.items()}
    pipeline = load(str(talking_like), route="text")
    for job, piece in zip(shop.jobs("it"), made(shop), strict=True):
        text = f"Music of {job.subject.caption}"
        [expected] = pipeline.compose([text], seeds=[job.seed], seconds=1.0, steps=2, negative="Low")
        assert (piece - expected.samples[0, 0]).abs().max() < 1e-4
        assert shop.systems["it"].source(job, shop) == {"text": text}


def test_without_a_caption_there_is_no_text(folder, talking_like):
    shop = workshop(folder, {"kind": "text", "model": str(talking_like)})
    with pytest.raises(EvaluationError, match="no caption for dawn"):
        made(shop)


def test_music_of_no_artwork_is_told_the_constants_alone(folder, checkpoint):
    shop = workshop(folder, {"kind": "unconditional", "model": str(checkpoint), "steps": 2})
    pipeline = load(str(checkpoint))
    stored = pipeline.parts.constants
    told = Condition(stored.unconditional_language, stored.unconditional_text, stored.unconditional_text_mask)
    settings = pipeline.settings(seconds=1.0, steps=2, guidance=1.0)
    pieces = made(shop)
    for job, piece in zip(shop.jobs("it"), pieces, strict=True):
        with torch.no_grad():
            [expected] = pipeline.perform((told, told), settings, [job.seed])
        assert (piece - expected.samples[0, 0]).abs().max() < 1e-4
    assert (pieces[0] - pieces[1]).abs().max() > 1e-4


def test_guidance_means_nothing_where_there_is_no_artwork(folder, pocket_like):
    with pytest.raises(ValueError, match=r"systems\.it\.unconditional\.guidance"):
        workshop(folder, {"kind": "unconditional", "model": str(pocket_like), "guidance": 2})


def test_a_reconstruction_is_vae_and_vocoder_alone(folder, checkpoint):
    shop = workshop(folder, {"kind": "reconstruction", "model": str(checkpoint)}, seeds=[0, 1])
    parts = load(str(checkpoint)).parts
    grid, frame = parts.grid, parts.grid.hop * parts.grid.latent_factor
    jobs, pieces = shop.jobs("it"), made(shop)
    assert [job.name for job in jobs] == ["dawn", "dusk"]
    for job, piece, seconds in zip(jobs, pieces, (1.0, 0.5), strict=True):
        music = read_audio(job.subject.music, grid.sample_rate).samples[0, :, : grid.samples(seconds)]
        padded = torch.zeros(grid.channels, -(-music.shape[-1] // frame) * frame)
        padded[:, : music.shape[-1]] = music  # the fixture's music is mono
        with torch.no_grad():
            latent = parts.autoencoder.encode(Mel(MelTransform(grid)(padded)))
            sound = parts.vocoder.vocode(parts.autoencoder.decode(latent))
            whole = sound.samples.transpose(0, 1)[..., : grid.samples(seconds)]
            expected = finish(replace(sound, samples=whole))
        assert piece.shape == (grid.samples(seconds),)
        assert (piece - expected.samples[0, 0]).abs().max() < 1e-5


def test_real_music_is_cut_and_mixed(folder):
    shop = workshop(folder, {"kind": "reference"})
    stereo = read_audio(folder / "music" / "dusk.flac").samples.expand(-1, 2, -1)
    write_audio(
        folder / "music" / "dusk.flac",
        replace(read_audio(folder / "music" / "dusk.flac"), samples=stereo),
        tags={},
        cover=None,
    )
    pieces = made(shop)
    assert [len(piece) for piece in pieces] == [1600, 800]
    assert torch.equal(pieces[0], read_audio(folder / "music" / "dawn.flac").samples[0, 0, :1600])
    assert torch.equal(pieces[1], stereo[0, 0])


@pytest.mark.parametrize("system", [{"kind": "reference"}, {"kind": "reconstruction"}], ids=str)
def test_without_any_real_music_there_is_none(folder, system):
    config = configured(folder, artworks=[{"folder": "paintings"}], systems={"it": system})
    with pytest.raises(EvaluationError, match="without any real music"):
        opened(config, folder / "out").jobs("it")


def test_pieces_made_elsewhere(folder):
    for number, name in enumerate(("dawn", "dusk", "noon", "noon--2")):
        write_sound(folder / "theirs" / f"{name}.wav", 40 + number)
    shop = workshop(folder, {"kind": "folder", "folder": "theirs"}, seeds=[0, 1])
    assert [job.name for job in shop.jobs("it")] == ["dawn", "dusk", "noon", "noon--2"]
    assert [len(piece) for piece in made(shop)] == [1600] * 4
    (folder / "theirs" / "dusk.wav").unlink()
    with pytest.raises(EvaluationError, match="no piece dusk in"):
        made(shop)


@given(st.sets(st.text("abcdef", min_size=1, max_size=4), min_size=2, max_size=30), st.integers(0, 99))
def test_nobody_is_its_own_partner(ids, seed):
    found = partners(ids, seed)
    assert found.keys() == set(found.values()) == ids
    assert all(own != other for own, other in found.items())
    assert partners(sorted(ids, reverse=True), seed) == found


def test_partners_change_with_the_seed_and_one_alone_has_none():
    ids = [f"{number}" for number in range(20)]
    assert partners(ids, 0) != partners(ids, 1)
    with pytest.raises(EvaluationError, match="only 3 in a group"):
        partners(["3"], 0)


def test_partners_are_of_one_group_and_have_music(folder):
    write_dataset(folder / "pairs", {"test": 3})
    config = configured(
        folder,
        artworks=[{"folder": "paintings"}, {"dataset": "pairs"}],
        reference="music",
        systems={"real": {"kind": "reference"}, "it": {"kind": "shuffled", "of": "real"}},
    )
    shop = opened(config, folder / "out")
    jobs = shop.jobs("it")
    assert [job.subject.id for job in jobs] == ["dawn", "dusk", "test0", "test1", "test2"]
    named = [shop.systems["it"].source(job, shop)["made_for"] for job in jobs]
    assert named[:2] == ["dusk", "dawn"]
    assert set(named[2:]) == {"test0", "test1", "test2"}
    assert all(job.subject.id != other for job, other in zip(jobs, named, strict=True))


KINDS = [
    ("artwork", "aligner/model.safetensors"),
    ("artwork", "constants/model.safetensors"),
    ("artwork", "image_encoder/model.safetensors"),
    ("artwork", "unet/diffusion_pytorch_model.safetensors"),
    ("unconditional", "scheduler/scheduler_config.json"),
    ("unconditional", "constants/model.safetensors"),
    ("reconstruction", "vocoder/model.safetensors"),
]


@pytest.mark.parametrize(("kind", "changed"), KINDS, ids=str)
def test_other_weights_are_another_system(folder, pocket_like, kind, changed):
    copy = Path(shutil.copytree(pocket_like, folder / "model"))
    system = {"kind": kind, "model": "model"}
    before = workshop(folder, system).described["it"]
    path = copy / changed
    if path.suffix == ".json":
        path.write_text(path.read_text(encoding="utf-8").replace("0.0195", "0.0196"), encoding="utf-8")
    else:
        content = bytearray(path.read_bytes())
        content[-2] ^= 1
        path.write_bytes(content)
    assert workshop(folder, system).described["it"] != before


def test_what_cannot_work_says_so_before_it_works(folder, pocket_like):
    wrong = [
        ({"kind": "artwork", "aligner": "nowhere"}, SettingError, "nowhere"),
        ({"kind": "artwork", "solver": "euler"}, SettingError, "euler"),
        ({"kind": "artwork", "preset": "instant"}, SettingError, "instant"),
        ({"kind": "unconditional", "model": "nowhere"}, SettingError, "nowhere"),
        ({"kind": "text"}, CheckpointError, "no text_encoder"),
    ]
    for system, error, said in wrong:
        with pytest.raises(error, match=said):
            assert workshop(folder, {"model": str(pocket_like), **system}).described


def test_a_jobs_name():
    subject = Subject("dawn", Path("dawn.png"), "x", sha256="0" * 64)
    assert (Piece(subject).name, Piece(subject, "2", take_seed=1).name) == ("dawn", "dawn--2")
