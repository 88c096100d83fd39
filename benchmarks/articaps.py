"""Match the 300 made-up utterances of `utterances.csv` with all captions of MusicCaps, and look at what similarity means.

    python benchmarks/articaps.py FOLDER MODEL [--data DATA] [--texts]

FOLDER has MusicCaps' table, MODEL a sentence encoder; vectors are kept in DATA, so a second run takes seconds. Columns:

  pairs     chosen pairs (the nearest caption, hubs corrected by CSLS) whose similarity is in the band
  random    share of random pairs in the band
  word      share of pairs in which utterance and caption share a word that is rare among captions (below 5 %), by its first 5 letters
  agree     of the pairs of a pleasant or an unpleasant emotion whose clip has such moods among its aspects, the share of the same sign
  judged    their number

`word` and `agree` have chance levels, those of random pairs, in the last row. `--texts` prints the pairs of each band.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import textwrap
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from art2mus_core.datasets.articaps import TEXT_PAIRS, TextPairRow
from art2mus_core.datasets.matching import TextRule, match, read_texts
from art2mus_core.datasets.text_embedding import embed_texts
from art2mus_core.datasets.workers import spread

PLEASANT = {"amusement", "awe", "contentment", "excitement"}
UNPLEASANT = {"anger", "disgust", "fear", "sadness"}
BRIGHT = (
    *(
        "happy",
        "cheerful",
        "joyful",
        "uplifting",
        "fun",
        "playful",
        "relaxing",
        "calming",
        "peaceful",
        "soothing",
        "romantic",
    ),
    *(
        "festive",
        "celebrat",
        "heavenly",
        "positive",
        "upbeat",
        "sweet",
        "warm",
        "dreamy",
        "serene",
        "feel-good",
        "feel good",
    ),
)
DARK = (
    *(
        "sad",
        "melanchol",
        "eerie",
        "dark",
        "scary",
        "ominous",
        "suspense",
        "haunting",
        "tense",
        "aggressive",
        "angry",
        "creepy",
    ),
    *(
        "horror",
        "sinister",
        "gloomy",
        "mournful",
        "sorrow",
        "anxious",
        "menacing",
        "spooky",
        "disturbing",
        "lonely",
        "unsettling",
    ),
)
RARE = 0.05
WHOLE = TextRule(validation=0, test=0)
ALONE = partial(spread, workers=1)


def words(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())}


def sign(row: TextPairRow) -> int:
    """1 for bright moods among the clip's aspects, -1 for dark ones, 0 for none or both."""
    aspects = " ".join(row.target_keywords).lower()
    bright, dark = (any(re.search(rf"\b{mood}", aspects) for mood in moods) for moods in (BRIGHT, DARK))
    return int(bright) - int(dark)


def judged(rows: list[TextPairRow]) -> list[bool]:
    """Whether emotion and moods agree, of the pairs that have both."""
    felt = {**dict.fromkeys(PLEASANT, 1), **dict.fromkeys(UNPLEASANT, -1)}
    pairs = [(felt.get(row.input_emotion or "", 0), sign(row)) for row in rows]
    return [one == other for one, other in pairs if one and other]


def line(name: str, rows: list[TextPairRow], share: float, rare: set[str]) -> str:
    agree = judged(rows)
    common = np.mean([bool(words(row.input_text) & words(row.target_text) & rare) for row in rows]) if rows else np.nan
    mean = np.mean(agree) if agree else np.nan
    return f"{name:12} {len(rows):6} {share:9.3%} {common:7.0%} {mean:7.0%} {len(agree):7}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "articaps")
    parser.add_argument("--texts", action="store_true")
    given = parser.parse_args()
    utterances = read_texts(Path(__file__).with_name("utterances.csv"), "artemis")
    captions = read_texts(given.folder, "musiccaps")
    started = time.process_time()
    said, heard = (
        embed_texts(given.data, kind, [each.text for each in texts], given.model, ALONE).vectors
        for kind, texts in (("utterances", utterances), ("captions", captions))
    )
    print(
        f"{len(utterances)} utterances, {len(captions)} captions, embedded in {time.process_time() - started:.0f} s of the processor"
    )

    print("\nrule                 pairs  captions used  most of one  hubness       mean similarity")
    for name, rule in {
        "nearest": replace(WHOLE, hubs="keep"),
        "nearest, csls": WHOLE,
        "nearest, softmax": replace(WHOLE, hubs="softmax"),
        "mutual, csls": replace(WHOLE, mode="mutual"),
        "one-to-one": replace(WHOLE, mode="one-to-one"),
        "one clip once, csls": replace(WHOLE, per_clip=1),
    }.items():
        facts = match(given.data, utterances, captions, given.model, rule, spread=ALONE)["splits"]["train"]
        rows = list(TEXT_PAIRS.read(given.data / TEXT_PAIRS.file))
        most = max(Counter(row.target_clip for row in rows).values())
        hubs = " -> ".join(f"{facts[key]:.2f}" for key in ("hubness", "hubness corrected") if key in facts)
        mean = np.mean([row.similarity for row in rows])
        print(f"{name:20} {len(rows):5} {facts['captions used']:14} {most:12}  {hubs:12}  {mean:.3f}")

    told = match(given.data, utterances, captions, given.model, WHOLE, spread=ALONE)
    rows = list(TEXT_PAIRS.read(given.data / TEXT_PAIRS.file))
    seen = Counter(word for each in captions for word in words(each.text))
    rare = {word for word, count in seen.items() if count < RARE * len(captions)}
    drawn = random.Random(0)
    blank = rows[0]
    chance = []
    for _ in range(20_000):
        one, other = drawn.choice(utterances), drawn.choice(captions)
        similarity = float(said[one.text] @ heard[other.text])
        chance.append(
            replace(
                blank,
                input_text=one.text,
                input_emotion=one.emotion,
                target_text=other.text,
                target_keywords=other.keywords,
                similarity=similarity,
            )
        )
    for name, values in told["similarity"].items():
        print(f"\n{name}: " + ", ".join(f"{at} {value:.3f}" for at, value in values.items()), end="")
    print("\n\nband          pairs    random    word   agree  judged")
    for low in np.arange(0.1, 0.7, 0.1):
        inside, beside = ([row for row in each if low <= row.similarity < low + 0.1] for each in (rows, chance))
        print(line(f"{low:.1f} to {low + 0.1:.1f}", inside, len(beside) / len(chance), rare))
        for row in sorted(inside, key=lambda row: -row.similarity) if given.texts else ():
            print(f"    {row.similarity:.3f} {row.input_emotion}: {row.input_text}")
            print(f"          {textwrap.shorten(row.target_text, 200, placeholder=' ...')}")
    print(line("all", rows, 1, rare))
    print(line("random", chance, 1, rare))

    print("\nfloor    pairs  artworks  random pairs above")
    for floor in np.arange(0.1, 0.65, 0.05):
        kept = [row for row in rows if row.similarity >= floor]
        above = np.mean([row.similarity >= floor for row in chance])
        print(f"{floor:.2f}  {len(kept) / len(rows):8.0%} {len({row.input_artwork for row in kept}):9} {above:12.2%}")
    print("\nemotion         pairs  mean similarity  below .3")
    for emotion, count in told["emotions"].items():
        own = np.array([row.similarity for row in rows if row.input_emotion == emotion])
        print(f"{emotion:14} {count:6} {own.mean():12.3f} {np.mean(own < 0.3):12.0%}")


if __name__ == "__main__":
    main()
