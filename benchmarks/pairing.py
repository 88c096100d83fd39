"""Measure exact search and one-to-one assignment between made embeddings with hubs (`art2mus_core/retrieval`).

    python benchmarks/pairing.py search [--sizes 20000 105884] [--width 1024] [--neighbours 1 10] [--half] [--faiss]
    python benchmarks/pairing.py growth [--sizes 10000]          # the same at 2 and 4 times the size
    python benchmarks/pairing.py bounds [--sizes 20000]          # would fewer dimensions, with an error bound, be faster?
    python benchmarks/pairing.py ann [--sizes 1000000] [--width 256] [--index codes|graph] [--lean 0.8]
    python benchmarks/pairing.py assign [--sizes 5000 20000 105884] [--plain]

`--faiss` and `ann` need `pip install faiss-cpu`, best in an environment of its own. OMP_NUM_THREADS sets the threads of all. Times are
the wall clock's; `--cpu` takes the processor's, for one thread on a busy machine. Columns:

  share     speed (2 n^2 width operations) as a share of the machine's own single-precision product, measured before and after
  faiss     time of faiss' IndexFlatIP over ours, with float32
  kept      share of pairs that a bound from the leading principal directions cannot rule out, even with known thresholds
  gain      speed-up over a full product that this allows at most: products of fewer dimensions, and exact scores of what is kept
  recall    share of queries whose nearest row an approximate index finds; its effort is the share of the base whose codes are scanned
            (codes) or the candidates kept (graph). Fewer hubs (`--lean 0`) leave the codes less to skip
  gap       of the certificate: (bound - value) / bound
  memory    peak of the process in GB, with the embeddings
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from art2mus_core.retrieval.assignment import one_to_one
from art2mus_core.retrieval.blocks import pair_scores
from art2mus_core.retrieval.hubness import occurrences, skewness
from art2mus_core.retrieval.made import made_pairs
from art2mus_core.retrieval.search import nearest

EFFORTS = (32, 64, 128, 256, 512)
"""Candidates that a graph index keeps during a search."""

SHARES = (1.0, 0.3, 0.2, 0.15, 0.12, 0.1)
"""Shares of the base whose codes are scanned."""

REACH = 4
"""Standard deviations above a base row's mean score that its nearest queries are thought to reach."""


def timed(clock: Callable[[], float], work: Callable):
    started = clock()
    result = work()
    return clock() - started, result


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def product_rate(clock: Callable[[], float], width: int) -> float:
    """Operations per second of the machine's product of 2,048 by `width` by 2,048: the best of five."""
    left, right = np.random.default_rng(0).normal(size=(2, 2048, width)).astype(np.float32)
    out = np.empty((2048, 2048), np.float32)
    return 2 * 2048**2 * width / min(timed(clock, lambda: np.matmul(left, right.T, out=out))[0] for _ in range(5))


def rated(clock, queries, base, k):
    """Seconds of an exact search, its share of the machine's product, and what it found."""
    before = product_rate(clock, queries.shape[1])
    seconds, found = timed(clock, lambda: nearest(queries, base, k))
    rate = (before + product_rate(clock, queries.shape[1])) / 2
    return seconds, 2 * len(queries) * len(base) * queries.shape[1] / seconds / rate, found


def search(size, options, clock) -> None:
    kind = np.float16 if options.half else np.float32
    queries, base = (rows.astype(kind) for rows in made_pairs(size, options.width, 0))
    for k in options.neighbours:
        seconds, share, found = rated(clock, queries, base, k)
        row = (
            f"search {size} x {size} x {options.width} k={k}: {seconds:.1f} s, share {share:.3f}, memory {memory():.2f}"
        )
        if k >= 10:
            row += f", skewness {skewness(occurrences(found.ids, size)):.1f}"
        if options.faiss:
            import faiss  # noqa: PLC0415 - an extra of this script

            index = faiss.IndexFlatIP(options.width)
            index.add(base.astype(np.float32))
            theirs, (_, ids) = timed(clock, partial(index.search, queries.astype(np.float32), k))
            row += f", faiss {theirs / seconds:.2f}, equal {np.mean(ids == found.ids):.5f}"
        print(row, flush=True)


def growth(size, options, clock) -> None:
    first = None
    for factor in (1, 2, 4):
        made = made_pairs(factor * size, options.width, 0)
        seconds, share, _ = rated(clock, made.artworks, made.music, 10)
        first = first or seconds
        print(
            f"growth {factor * size} k=10: {seconds:.1f} s, {seconds / first:.2f} times the first, share {share:.3f}, memory {memory():.2f}",
            flush=True,
        )


def bounds(size, options, clock) -> None:
    """x.y is at most its part in the leading directions and the product of the lengths of the rest (Cauchy and Schwarz)."""
    queries, base = made_pairs(size, options.width, 0)
    queries = queries[:1000]
    least = nearest(queries, base, 10).scores[:, -1:]
    full, _ = timed(clock, lambda: queries @ base.T)
    pairs = np.random.default_rng(0).integers(0, (len(queries), size), (20_000, 2)).T
    each = timed(clock, lambda: pair_scores(queries, base, *pairs))[0] / 20_000
    directions = np.linalg.eigh(base.T @ base)[1][:, ::-1].copy()
    for leading in (32, 64, 96, 128, 256):
        axes = directions[:, :leading]
        sides = [
            np.c_[part, np.sqrt(np.maximum(0, (rows**2).sum(1) - (part**2).sum(1)))]
            for rows in (queries, base)
            for part in [rows @ axes]
        ]
        fewer, limits = timed(clock, lambda sides=sides: sides[0] @ sides[1].T)
        kept = float((limits >= least).mean())
        gain = full / (fewer + kept * limits.size * each)
        print(f"bounds {size} x {options.width}, {leading} directions: kept {kept:.4f}, gain {gain:.2f}", flush=True)
    numbers = [torch.from_numpy(np.rint(127 * rows / np.abs(rows).max()).astype(np.int8)) for rows in (queries, base)]
    try:
        whole, _ = timed(clock, lambda: torch._int_mm(numbers[0], numbers[1].T.contiguous()))  # noqa: SLF001 - the only product of int8
        print(f"bounds: a product of 8-bit integers is {full / whole:.2f} times as fast as one of float32", flush=True)
    except RuntimeError as missing:
        print(f"bounds: no product of 8-bit integers here ({missing})")


def ann(size, options, clock) -> None:
    made = made_pairs(size, options.width, 0, lean=options.lean)
    base = made.music[
        np.sort(np.unique(row_keys(made.music), return_index=True)[1])
    ]  # copies hide other rows in a graph
    queries, others = made.artworks[:1000].copy(), made.artworks[1000:101_000].copy()
    del made
    exact, found = timed(clock, lambda: nearest(queries, base, 1))
    build, efforts = INDEXES[options.index]
    building, look = timed(clock, lambda: build(base, others))
    print(
        f"ann {options.index} {len(base)} x {options.width}: built in {building:.0f} s, exact {exact:.2f} s for 1,000, memory {memory():.2f}",
        flush=True,
    )
    for effort in efforts:
        seconds, ids = timed(clock, partial(look, queries, effort))
        print(
            f"ann effort {effort}: recall {np.mean(ids == found.ids):.3f}, {exact / seconds:.1f} times as fast as exact",
            flush=True,
        )


def row_keys(rows):
    """A number for each row, the same for equal rows: a random sum of their bits."""
    factors = np.random.default_rng(0).integers(1, 2**63, rows.shape[1], np.uint64)
    starts = range(0, len(rows), 10_000)
    return np.concatenate([(rows[start : start + 10_000].view(np.uint32) * factors).sum(1) for start in starts])


def graph(base, _others):
    """The effort is the number of candidates kept during a search."""
    import faiss  # noqa: PLC0415 - an extra of this script

    index = faiss.IndexHNSWFlat(base.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 128
    index.add(base)

    def look(queries, effort):
        index.hnsw.efSearch = effort
        return index.search(queries, 1)[1]

    return look


def codes(base, others):
    """Scan codes of 4 bits for each of the 64 leading directions; exact scores of the best 50. The effort is the share scanned.

    The base rows scanned first are those that many queries can reach: by the mean of their scores with other queries and `REACH`
    standard deviations, both from the other queries' mean and covariance. No query that is measured is among them.
    """
    import faiss  # noqa: PLC0415 - an extra of this script

    axes = np.ascontiguousarray(np.linalg.eigh(np.cov(base[:100_000].T))[1][:, :-65:-1], np.float32)
    rows, seen = base @ axes, others @ axes
    rows -= rows.mean(0)  # changes no query's order
    variance = (rows @ np.cov(seen.T).astype(np.float32) * rows).sum(1)
    order = np.argsort(-(rows @ seen.mean(0) + REACH * np.sqrt(variance)))
    blank = faiss.IndexPQFastScan(64, 64, 4, faiss.METRIC_INNER_PRODUCT)
    blank.train(rows[:100_000])
    indexes = {share: faiss.clone_index(blank) for share in SHARES}
    for share, index in indexes.items():
        index.add(rows[order[: int(share * len(base))]])

    def look(queries, share):
        near = order[indexes[share].search(queries @ axes, 50)[1]]
        best = np.einsum("qd,qkd->qk", queries, base[near]).argmax(1)
        return np.take_along_axis(near, best[:, None], 1)

    return look


INDEXES = {"codes": (codes, SHARES), "graph": (graph, EFFORTS)}


def assign(size, options, clock) -> None:
    kind = np.float16 if options.half else np.float32
    queries, base = (rows.astype(kind) for rows in made_pairs(size, options.width, 0, lean=options.lean))
    seconds, found = timed(clock, lambda: one_to_one(queries, base, tolerance=options.tolerance, exact=options.exact))
    right = np.mean(found.columns == np.arange(size))
    print(
        f"assign {size} x {options.width}: {seconds:.1f} s, {found.certificate}, right pairs {right:.3f}, memory {memory():.2f}",
        flush=True,
    )
    if options.plain:
        scores = queries.astype(np.float64) @ base.T.astype(np.float64)
        theirs, (rows, columns) = timed(clock, lambda scores=scores: linear_sum_assignment(scores, maximize=True))
        print(
            f"assign: scipy alone {theirs:.1f} s, total {scores[rows, columns].sum():.9g}, ours {found.certificate.value:.9g}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = {"search": search, "growth": growth, "bounds": bounds, "ann": ann, "assign": assign}
    usual = {"search": [20_000], "growth": [10_000], "bounds": [20_000], "ann": [1_000_000], "assign": [5000, 20_000]}
    parser.add_argument("command", choices=commands)
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--width", type=int, help="1,024, and 256 for ann")
    parser.add_argument("--neighbours", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--half", action="store_true", help="hold the embeddings in float16")
    parser.add_argument("--faiss", action="store_true")
    parser.add_argument("--index", choices=INDEXES, default="codes")
    parser.add_argument("--tolerance", type=float, default=0.005)
    parser.add_argument("--exact", type=int, default=5000, help="most base rows for the optimum")
    parser.add_argument("--lean", type=float, default=0.8, help="length of the modalities' means: more makes more hubs")
    parser.add_argument(
        "--plain", action="store_true", help="also scipy's algorithm without prices, which takes minutes"
    )
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    options.width = options.width or (256 if options.command == "ann" else 1024)
    for size in options.sizes or usual[options.command]:
        commands[options.command](size, options, time.process_time if options.cpu else time.perf_counter)


if __name__ == "__main__":
    main()
