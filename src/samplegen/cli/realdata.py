"""Commands on real price lists, and the one that serves a dataset to them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samplegen.cli.app import INTERRUPTED, DatasetArgument, app, show_progress, whole
from samplegen.cli.datasets import parse_splits
from samplegen.realdata.limits import Limits

if TYPE_CHECKING:
    from samplegen.pipeline.collecting import Collected, Report

_SHOWN_REASONS = 5
_LIMITS = Limits()


@app.command()
def collect(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A CSV, TSV, Parquet or JSON lines file, its http(s) address, a dataset's folder, "
            "or OWNER/NAME on the Hugging Face Hub.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the dataset.")],
    format: Annotated[
        str, typer.Option("--format", help="parquet, csv, imagefolder or webdataset.")
    ] = "parquet",
    image_column: Annotated[
        str | None,
        typer.Option(
            help="Column with addresses or pictures.", show_default="imageurl, else the only one of pictures"
        ),
    ] = None,
    config: Annotated[str | None, typer.Option(help="Configuration of a dataset on the Hub.")] = None,
    splits: Annotated[
        str | None,
        typer.Option(help="Shares by title, such as train=0.9,validation=0.1; default: the list's own."),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(parser=whole, metavar="<int>", help="Requests at a time, all hosts together.")
    ] = _LIMITS.concurrency,
    per_host: Annotated[
        int, typer.Option(parser=whole, metavar="<int>", help="Requests at a time at one host.")
    ] = _LIMITS.per_host,
    rate: Annotated[
        float | None, typer.Option(help="Requests a second at one host.", show_default="no limit")
    ] = _LIMITS.rate,
    timeout: Annotated[
        float, typer.Option(help="Seconds that one picture may take in transfer, all tries together.")
    ] = _LIMITS.total_s,
    retries: Annotated[
        int,
        typer.Option(
            parser=whole, metavar="<int>", help="Tries after the first, on 429, 5xx and broken lines."
        ),
    ] = _LIMITS.retries,
    max_bytes: Annotated[
        int, typer.Option(parser=whole, metavar="<int>", help="Largest file of a picture.")
    ] = _LIMITS.picture_bytes,
    max_pixels: Annotated[
        int, typer.Option(parser=whole, metavar="<int>", help="Most pixels of a picture.")
    ] = _LIMITS.pixels,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Ask private and loopback addresses, too.")
    ] = False,
    private_host: Annotated[
        list[str] | None,
        typer.Option(help="A host that may have a private address, while others may not; may be repeated."),
    ] = None,
    user_agent: Annotated[
        str | None, typer.Option(help="What the client calls itself.", show_default="samplegen/VERSION")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Complete a run that was stopped; nothing is fetched twice.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Collect again; unchanged pictures are not sent again.")
    ] = False,
) -> None:
    """Download the pictures of a price list and write both as a dataset; rows that fail go to failures.csv."""
    from samplegen import collect
    from samplegen.realdata.fetching import USER_AGENT

    limits = Limits(
        concurrency=concurrency,
        per_host=per_host,
        rate=rate,
        total_s=timeout,
        retries=retries,
        picture_bytes=max_bytes,
        pixels=max_pixels,
    )
    shares = None if splits is None else parse_splits(splits)
    with _progress() as report, _stopped_politely():
        collected = collect(
            source,
            out,
            format=format,
            image_column=image_column,
            config=config,
            splits=shares,
            limits=limits,
            allow_private=allow_private or frozenset(name.lower() for name in private_host or ()),
            user_agent=USER_AGENT if user_agent is None else user_agent,
            resume=resume,
            overwrite=overwrite,
            on_rows=report,
        )
    _report(collected, out)
    typer.echo(out)


def _report(collected: "Collected", out: Path) -> None:
    """Say on stderr what was left out."""
    failed = sum(collected.failed.values())
    if failed:
        rows = collected.manifest.rows
        typer.echo(
            f"rows with a picture: {rows:,}; without: {failed:,}, see {out / 'failures.csv'}:", err=True
        )
        reasons = list(collected.failed.items())
        for reason, count in reasons[:_SHOWN_REASONS]:
            typer.echo(f"  {count:>7,}  {reason}", err=True)
        if len(reasons) > _SHOWN_REASONS:
            typer.echo(f"  {sum(n for _, n in reasons[_SHOWN_REASONS:]):>7,}  other reasons", err=True)
    if collected.left_out:
        names = ", ".join(collected.left_out)
        typer.echo(f"left out, because only --format parquet holds further pictures: {names}", err=True)


@contextmanager
def _progress() -> Iterator["Report"]:
    """Show the bar as soon as the number of rows is known."""
    if not sys.stderr.isatty():
        yield lambda done, rows: None
        return
    with ExitStack() as stack:
        bar: list[Callable[[int], None]] = []
        before = 0

        def report(done: int, rows: int) -> None:
            nonlocal before
            if not bar:
                bar.append(stack.enter_context(show_progress(rows)))
            bar[0](done - before)
            before = done

        yield report


@contextmanager
def _stopped_politely() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("samplegen: stopped; the same command with --resume goes on from here.", err=True)
        raise typer.Exit(INTERRUPTED) from None


@app.command()
def serve(
    dataset: DatasetArgument,
    port: Annotated[int, typer.Option(parser=whole, metavar="<int>", help="0: any that is free.")] = 0,
    host: Annotated[str, typer.Option(help="A loopback address.")] = "127.0.0.1",
) -> None:
    """Serve a dataset's pages and pictures on loopback, and its price list with addresses that lead there."""
    from samplegen.realdata.serving import JSON_LINES, Shop, ShopServer

    with Shop(dataset) as shop, ShopServer(shop, host, port) as server:
        typer.echo(server.origin)
        typer.echo(f"{len(shop.rows):,} products; the price list is {server.origin}/Dataset.csv", err=True)
        typer.echo(f"and {server.origin}/{JSON_LINES}. Stop with Ctrl-C.", err=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            raise typer.Exit from None
