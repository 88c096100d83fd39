from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.errors import EvaluationError
from art2mus_core.evaluation.captions import add_captions
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.config import CaptionChoice, EvaluationConfig
from art2mus_core.evaluation.gathering import gather_artworks
from art2mus_core.evaluation.pairing import Ids
from art2mus_core.naming import name_files
from art2mus_core.types import Waveform

NFC = unicodedata.normalize("NFC", "Café Ärger")
NFD = unicodedata.normalize("NFD", NFC)
LONG = "d" * 251


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (3, 2), (len(path.name) % 256, 90, 30)).save(path, "PNG")
    return path


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent / "draft.flac"
    write_audio(draft, Waveform(torch.zeros(1, 1, 800), 16000), tags={}, cover=None)
    return draft.rename(path)


PAIRS = {
    "NFC and NFD": (NFC, NFD),
    "NFD and NFC": (NFD, NFC),
    "upper case": ("dawn", "DAWN"),
    "sharp s": ("Straße", "STRASSE"),
    "both": (NFC.upper(), NFD.lower()),
    "shortened": (LONG, name_files([LONG], 240, windows=False)[0].stem),
    "no text": ("caf\udce9", "caf\udce9"),
}


@pytest.mark.parametrize(("artwork", "music"), PAIRS.values(), ids=PAIRS.keys())
def test_names_that_are_the_same_to_a_person_pair_everywhere(tmp_path, artwork, music):
    art, sound_of_it = picture(tmp_path / "Artworks" / f"{artwork}.PNG"), sound(tmp_path / "mine" / f"{music}.FLAC")
    take = sound(tmp_path / "mine" / f"{music}--2.flac")
    real = sound(tmp_path / "Reference" / f"{music}.flac")
    other = sound(tmp_path / "BACKGROUND" / "other.flac")
    (tmp_path / "Items.json").write_text(
        json.dumps({unicodedata.normalize("NFD", artwork).swapcase(): {"caption": "words", "group": "mine"}})
    )
    found = read_collection(tmp_path)
    assert found.artworks == {artwork: art}
    assert [(piece.id, piece.take, piece.path) for piece in found.systems["mine"]] == [
        (artwork, "", sound_of_it),
        (artwork, "2", take),
    ]
    assert (found.reference, found.background) == ({artwork: real}, (other,))
    assert found.subjects[artwork].caption == "words"
    assert found.notes == ()


def test_without_artworks_systems_pair_with_one_another(tmp_path):
    for system, names in {"a": ("Dawn", NFC), "b": ("dawn", NFD), "c": ("dawn--2", "DAWN", NFC)}.items():
        for name in names:
            sound(tmp_path / system / f"{name}.flac")
    found = read_collection(tmp_path)
    assert {name: [piece.take for piece in own] for name, own in found.systems.items()} == {
        "a": ["", ""],
        "b": ["", ""],
        "c": ["", "", "2"],
    }
    assert len({piece.id for own in found.systems.values() for piece in own}) == 2


def test_the_exact_name_wins(tmp_path):
    for name in ("dawn", "Dawn"):
        picture(tmp_path / "artworks" / f"{name}.png")
        sound(tmp_path / "mine" / f"{name}.flac")
    found = read_collection(tmp_path)
    assert [(piece.id, piece.path.stem) for piece in found.systems["mine"]] == [("Dawn", "Dawn"), ("dawn", "dawn")]


def test_a_name_that_may_mean_two_is_refused_with_both(tmp_path):
    for name in ("dawn", "Dawn"):
        picture(tmp_path / "artworks" / f"{name}.png")
    sound(tmp_path / "mine" / "DAWN.flac")
    with pytest.raises(EvaluationError, match="DAWN matches Dawn and dawn"):
        read_collection(tmp_path)
    with pytest.raises(EvaluationError, match="dawn matches DAWN and Dawn"):
        Ids(["Dawn", "DAWN"]).find("dawn")


def test_two_files_for_one_artwork_are_refused_with_both(tmp_path):
    picture(tmp_path / "artworks" / "dawn.png")
    for name in ("Dawn", "DAWN"):
        sound(tmp_path / "mine" / f"{name}.flac")
    with pytest.raises(EvaluationError, match=r"two files for the id dawn: DAWN\.flac and Dawn\.flac"):
        read_collection(tmp_path)


def test_an_evaluation_pairs_music_and_captions_with_its_artworks(tmp_path):
    picture(tmp_path / "art" / f"{NFD}.png")
    picture(tmp_path / "art" / ("漢" * 83 + ".png"))
    sound(tmp_path / "music" / f"{NFC.upper()}.flac")
    captions = tmp_path / "captions.json"
    captions.write_text(json.dumps({NFC.lower(): "words"}))
    config = EvaluationConfig.model_validate(
        {
            "artworks": [{"folder": str(tmp_path / "art")}],
            "reference": str(tmp_path / "music"),
            "systems": {"mine": {"kind": "artwork"}},
        }
    )
    subjects = gather_artworks(config)
    (first, second) = sorted(subjects.values(), key=lambda each: len(each.id))
    assert first.id == NFC.replace(" ", "_")
    assert first.music is not None
    assert len(second.id.encode()) <= 220
    told = add_captions(
        subjects, CaptionChoice(file=captions), tmp_path / "cache", dtype=torch.float32, resident=lambda *_: None
    )
    assert [told[each.id].caption for each in (first, second)] == ["words", None]
