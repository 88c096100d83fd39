from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import torch
from PIL import ExifTags, Image, PngImagePlugin

from art2mus_core.errors import ArtworkError, CheckpointError, EvaluationError
from art2mus_core.evaluation.captions import add_captions, metadata_caption, read_captions
from art2mus_core.evaluation.config import CaptionChoice
from art2mus_core.evaluation.records import Subject
from art2mus_core.images.reading import read_artwork

from ..captioning import WORDS, pillow, write_blip

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">Two {} &amp; a\n boat</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF>'
    "</x:xmpmeta>"
)


def exif(words: str) -> Image.Exif:
    tags = Image.Exif()
    tags[ExifTags.Base.ImageDescription] = words
    return tags


def text(**words: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for name, said in words.items():
        info.add_itxt(name, said)
    return info


def iptc(words: str) -> bytes:
    """Photoshop's block of a JPEG with an IPTC caption (2:120) in it."""
    content = words.encode()
    record = b"\x1c\x02\x78" + len(content).to_bytes(2, "big") + content
    padded = record + b"\0" * (len(record) % 2)
    return b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(record).to_bytes(4, "big") + padded


@pytest.mark.parametrize(
    ("name", "fields", "found"),
    [
        ("a.jpg", {"exif": exif("A mill")}, "A mill"),
        ("a.jpg", {"exif": exif("A mill"), "xmp": XMP.format("sails").encode()}, "A mill"),
        ("a.jpg", {"exif": exif("  "), "xmp": XMP.format("sails").encode()}, "Two sails & a boat"),
        ("a.webp", {"xmp": XMP.format("Möwen").encode()}, "Two Möwen & a boat"),
        ("a.png", {"pnginfo": text(Title="Dusk", Description="Sails")}, "Sails"),
        ("a.png", {"pnginfo": text(Title="Dusk")}, "Dusk"),
        ("a.png", {"pnginfo": text(Author="Nobody")}, None),
        ("a.tif", {"exif": exif("A mill")}, "A mill"),
        ("a.bmp", {}, None),
    ],
    ids=["EXIF", "EXIF before XMP", "XMP", "WebP", "PNG", "PNG's title", "PNG without", "TIFF", "BMP"],
)
def test_what_a_file_says_of_its_picture(tmp_path, name, fields, found):
    Image.new("RGB", (5, 4)).save(tmp_path / name, **fields)
    if name.endswith(".jpg") and "xmp" in fields and b"adobe:ns:meta" not in (tmp_path / name).read_bytes():
        pytest.skip("Pillow writes no XMP into JPEG before version 11")
    assert metadata_caption(tmp_path / name) == found


def test_an_iptc_caption_is_found(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (5, 4)).save(path)
    content, block = path.read_bytes(), iptc("A harbour")
    path.write_bytes(content[:2] + b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block + content[2:])
    assert metadata_caption(path) == "A harbour"


def test_what_is_no_picture_says_nothing(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ArtworkError, match=r"a\.png"):
        metadata_caption(tmp_path / "a.png")


def test_captions_are_read_in_both_forms(tmp_path):
    path = tmp_path / "words.json"
    rows = {
        "dawn": " Sun ",
        "dusk": {"caption": "Moon", "group": "x"},
        "noon": {"group": "x"},
        "night": {"caption": ""},
    }
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert read_captions(path) == {"dawn": "Sun", "dusk": "Moon"}
    for content in ("[]", '{"dawn": 3}', "{", "[" * 100_000):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(EvaluationError, match=r"words\.json cannot be read"):
            read_captions(path)
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_captions(tmp_path / "nowhere.json")


@pytest.fixture(scope="module")
def blip(tmp_path_factory) -> Path:
    """A captioner of random weights, in transformers' layout."""
    return write_blip(tmp_path_factory.mktemp("blip"))


@pytest.fixture
def paintings(paintings) -> Path:
    """As everywhere, but so unlike each other that random weights tell them apart."""
    for name, colours in {"dawn": ("red", "white"), "dusk": ("black", "blue"), "noon": ("yellow", "black")}.items():
        image = Image.new("RGB", (34, 21), colours[0])
        image.paste(colours[1], (5, 3, 20, 21))
        image.save(paintings / f"{name}.png")
    return paintings


@pytest.fixture
def subjects(paintings) -> dict[str, Subject]:
    found = (Subject(path.stem, path, "x", sha256=read_artwork(path).sha256) for path in sorted(paintings.iterdir()))
    return {subject.id: subject for subject in found}


def captioned(subjects, cache, **choice) -> dict[str, str | None]:
    chosen = CaptionChoice.model_validate(choice)
    found = add_captions(subjects, chosen, cache, dtype=torch.float32, resident=nullcontext)
    assert list(found) == list(subjects)
    return {key: subject.caption for key, subject in found.items()}


def test_the_order_of_the_sources(subjects, paintings, tmp_path, blip):
    from dataclasses import replace

    (tmp_path / "words.json").write_text('{"dawn": "from the file"}', encoding="utf-8")
    Image.open(paintings / "dusk.png").save(paintings / "dusk.png", pnginfo=text(Title="from metadata"))
    Image.open(paintings / "dawn.png").save(paintings / "dawn.png", pnginfo=text(Title="from metadata"))
    subjects["dawn"] = replace(subjects["dawn"], caption="from the dataset")
    cache = tmp_path / "captions.json"
    assert captioned(subjects, cache) == {"dawn": "from the dataset", "dusk": None, "noon": None}
    file = str(tmp_path / "words.json")
    assert captioned(subjects, cache, file=file, metadata=True) == {
        "dawn": "from the file",
        "dusk": "from metadata",
        "noon": None,
    }
    assert not cache.exists()
    found = captioned(subjects, cache, metadata=True, captioner=str(blip))
    assert (found["dawn"], found["dusk"]) == ("from the dataset", "from metadata")
    assert set(found["noon"].split()) <= set(WORDS)
    assert found["noon"]


def test_the_captioner_says_what_transformers_says(subjects, tmp_path, blip):
    """From the picture on, with torch's own arithmetic for the pixels."""
    from transformers import BertTokenizerFast, BlipForConditionalGeneration

    found = captioned(subjects, tmp_path / "c.json", captioner=str(blip))
    network = BlipForConditionalGeneration.from_pretrained(blip).eval()
    prepare = pillow("blip", "BlipImageProcessor").from_pretrained(blip)
    tokenizer = BertTokenizerFast.from_pretrained(blip)
    for key, subject in subjects.items():
        pixels = prepare(Image.open(subject.path).convert("RGB"), return_tensors="pt")["pixel_values"]
        tokens = network.generate(pixel_values=pixels, max_new_tokens=40, num_beams=3)
        assert found[key] == tokenizer.decode(tokens[0], skip_special_tokens=True)
    assert len(set(found.values())) > 1


def test_captions_are_kept_and_belong_to_their_captioner(subjects, tmp_path, blip):
    cache, seen = tmp_path / "captions.json", []

    @contextmanager
    def resident(network):
        seen.append(network)
        yield

    def run():
        choice = CaptionChoice(captioner=blip)
        return add_captions(subjects, choice, cache, dtype=torch.float32, resident=resident)

    first = run()
    assert len(seen) == 1
    assert run() == first
    assert len(seen) == 1
    held = json.loads(cache.read_text(encoding="utf-8"))
    cache.write_text(json.dumps({**held, "captioner": "another"}), encoding="utf-8")
    assert run() == first
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"config\.json"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "clip"}'), "describes another model"),
        (lambda folder: (folder / "model.safetensors").unlink(), "contains no captioner"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "contains no captioner"),
    ],
    ids=["no config", "another config", "no weights", "no preprocessor"],
)
def test_a_captioner_that_is_not_whole_is_refused(blip, tmp_path, damage, said):
    import shutil

    from art2mus_core.captioners.files import open_captioner

    copy = Path(shutil.copytree(blip, tmp_path / "blip"))
    damage(copy)
    with pytest.raises(CheckpointError, match=said):
        open_captioner(copy, "artworks", dtype=torch.float32)


def test_a_captioner_with_weights_missing_is_refused(blip, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    from art2mus_core.captioners.files import open_captioner

    copy = Path(shutil.copytree(blip, tmp_path / "blip"))
    state = load_file(copy / "model.safetensors")
    state.pop("vision_model.post_layernorm.weight")
    save_file(state, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lack vision_model\.post_layernorm\.weight"):
        open_captioner(copy, "artworks", dtype=torch.float32)
