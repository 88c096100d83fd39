"""`art2mus dataset caption`: describe artworks and music in words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import DatasetError, SettingError
from ..outputs import AsJson, confirm, print_document, print_lines
from ..progress import alone_in, importing, reporting
from ..streams import notify
from .options import DATA, Engine, Retry, Workers, counted, findings, spreading

if TYPE_CHECKING:
    from ...datasets.captioning import Origin
    from ...endpoints.client import Endpoint

SENT = {"artworks": "pictures", "music": "sounds"}


def caption(
    data: DATA,
    captioner: Annotated[
        str | None, typer.Option(help="Captioner, a name or a folder in transformers' layout.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of an OpenAI-compatible API, including /v1.")
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the model at the endpoint.")] = None,
    texts: Annotated[str | None, typer.Option(help="Published texts to attach: artemis or musiccaps.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Folder of the published texts.")] = None,
    only: Annotated[str | None, typer.Option(help="Caption only these: artworks or music.")] = None,
    key_variable: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "OPENAI_API_KEY",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 120.0,
    retries: Annotated[int, typer.Option(min=0, help="Number of further attempts after a request fails.")] = 4,
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking for confirmation.")] = False,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "cpu",
    retry: Retry = False,
    workers: Workers = 1,
    engine: Engine = "local",
    as_json: AsJson = False,
) -> None:
    """Describe the artworks and the music of a scanned dataset in words.

    art2mus dataset caption DATA --captioner blip-base

    Captions are for evaluation and its baselines; training reads no text.
    Metadata always give one. A captioner or an endpoint adds its own, and
    --texts those of a published source. Without any of them, the command
    counts what there is. Each content is captioned once: if stopped, or if
    files are added, the same command does the rest.

    An --endpoint receives every picture as a JPEG of at most 768 pixels a
    side, and the first 30 seconds of every sound, without names. If it is
    not on this machine, the command asks before it sends them.
    """
    if sum(each is not None for each in (captioner, endpoint, texts)) > 1:
        raise SettingError("several of --captioner, --endpoint and --texts", "one of them", "Run the command for each.")
    with importing():
        from ...datasets.captioning import caption as make
        from ...datasets.faults import Tally
        from ...datasets.sides import kinds

    wanted, origin = kinds(only), None
    if captioner is not None:
        origin, described = _in_folder(captioner, device)
        wanted = wanted if only else described
    elif endpoint is not None:
        origin = _remote(data, wanted, _endpoint(endpoint, model, key_variable, timeout, retries), yes=yes)
        if origin is None:
            return
    told, tally = dict[str, dict[str, int]](), Tally()
    with alone_in(data, "captions"), reporting() as on_step:
        for kind in wanted:
            if origin is not None:
                work = spreading(workers, engine)
                told[kind] = make(data, kind, origin, work, retry=retry, on_step=on_step, on_fault=tally.note)
            elif texts is None:
                told[kind] = _counts(data, kind)
            else:
                told[kind] = _attached(data, kind, texts, source)
    if texts is not None and not any(counts["texts"] for counts in told.values()):
        raise DatasetError(
            f"no text of {texts} is about a work in {data}",
            "ids or paths as the source has them",
            "Scan the works with the layout of their source, such as --artwork-source wikiart.",
        )
    if as_json:
        print_document({"data": str(data), **told, "faults": [vars(each) for each in tally.frequent()]})
        return
    print_lines(*counted(told), *findings(tally.frequent(), "fault"))


def _in_folder(name: str, device: str) -> tuple[Origin, list[str]]:
    """The captioner, and the kinds of works that it describes."""
    from ...captioners.files import kinds_of, open_captioner
    from ...checkpoints.names import is_captioner, locate
    from ...datasets.captioning import InFolder
    from ..devices import choose_device

    folder = locate(name, is_captioner)
    described = kinds_of(folder)
    if not described:
        open_captioner(folder, "artworks")  # tells what it is
    return InFolder(folder, str(choose_device(device))), described


def _endpoint(url: str, model: str | None, key_variable: str, timeout: float, retries: int) -> Endpoint:
    from ...endpoints.client import Endpoint

    if model is None:
        raise SettingError("--endpoint without --model", "the name of a model", "Add --model.")
    return Endpoint(url, model, key_variable, timeout, retries)


def _remote(data: Path, wanted: list[str], target: Endpoint, *, yes: bool) -> Origin | None:
    """The captioner behind an endpoint, once the user agrees to what is sent to it; else None."""
    from ...datasets.captioning import Remote

    files = {kind: _usable(data, kind) for kind in wanted}
    what = " and ".join(f"{count:,} {SENT[kind]}" for kind, count in files.items())
    target.key()
    if not target.is_here:
        notify(
            f"Up to {what} are sent to {target.host}, for {target.model}; what it described before is not sent again."
        )
        if not target.is_private:
            notify("The connection is not encrypted: others may read the pictures, the sounds and the key.")
        if not yes and not confirm("Send the data?", "Add --yes to send it without confirmation."):
            print_lines("Nothing was sent.")
            return None
    return Remote(target)


def _usable(data: Path, kind: str) -> int:
    from ...datasets.sides import TABLES

    rows = TABLES[kind].read(data / TABLES[kind].file, ["id", "path", "fault"])
    return sum(row.fault is None for row in rows)


def _counts(data: Path, kind: str) -> dict[str, int]:
    """The number of works that have a caption of each origin."""
    from ...datasets.captions import read_captions

    found = read_captions(data, kind)
    origins = Counter(origin for captions in found.values() for origin in dict(captions))
    return {"rows": len(found), **origins}


def _attached(data: Path, kind: str, name: str, source: Path | None) -> dict[str, int]:
    from ...datasets.captioning import attach
    from ...datasets.sources import TEXT_SOURCES

    if name not in TEXT_SOURCES:
        raise SettingError(f"texts {name!r}", f"one of {', '.join(TEXT_SOURCES)}", "Check the name.")
    if source is None:
        raise SettingError("--texts without --from", "the folder of the texts", "Add --from.")
    return attach(data, kind, name, TEXT_SOURCES[name](source))
