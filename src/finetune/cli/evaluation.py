"""Commands that ask a model about pictures: predict, evaluate, compare."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.cli.app import BAD_INPUT, app
from finetune.cli.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finetune.arms.plan import ArmRun
    from finetune.data import Product

_SOME_UNREAD = 1
ModelArgument = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="Folder of a model or of adapters, or a model's name on the Hub."),
]
AdapterOption = Annotated[Path | None, typer.Option(help="Folder of adapters that were trained on it.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Settings of the training run: prompt, answer, crops, splits.",
        show_default="the run's own, where MODEL or --adapter is a folder in it",
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto (a GPU where there is one), cpu or cuda.")]
CropsOption = Annotated[
    int | None,
    typer.Option(
        help="At most how many crops a picture is cut into.",
        min=1,
        max=16,
        show_default="the run's, or the model's",
    ),
]
FormOption = Annotated[
    str | None,
    typer.Option(
        help="Prompt in place of the run's: source (of the source document) or chat (the official).",
        show_default="the run's, or source",
    ),
]
FieldsOption = Annotated[
    str | None,
    typer.Option(help="Fields of the answer in place of the run's, in order, such as title,category,price."),
]
AnswerOption = Annotated[
    str | None,
    typer.Option(help="Template of the answer in place of fields, such as '{title} {full_price}'."),
]
BatchOption = Annotated[int, typer.Option(help="Pictures at a time.", min=1)]


@app.command()
def predict(
    model: ModelArgument,
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="Files of pictures.")],
    adapter: AdapterOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each picture.")] = False,
    config: ConfigOption = None,
    form: FormOption = None,
    fields: FieldsOption = None,
    answer: AnswerOption = None,
    num_crops: CropsOption = None,
    batch_size: BatchOption = 8,
    device: DeviceOption = "auto",
) -> None:
    """Print title, category and price of the products on pictures.

    The exit code is 1 if a picture could not be read; the others are answered.
    """
    from finetune.evaluation.predict import predict_pictures
    from finetune.evaluation.run_settings import prompt_of_run, settings_of_run
    from finetune.loading import choose_device, load_model

    run = settings_of_run(config, adapter, model)
    asked = prompt_of_run(run, form=form, fields=fields, answer=answer).build()
    place = choose_device(device)
    products = _readable(pictures)
    crops = num_crops or (run.data.num_crops if run else None)
    loaded = load_model(model, adapter=adapter, device=place, num_crops=crops)
    with show_progress("pictures", len(products)) as advance:
        predictions = predict_pictures(
            loaded.model, loaded.processor, products, form=asked, batch_size=batch_size, on_rows=advance
        )
    for prediction in predictions:
        typer.echo(json.dumps(asdict(prediction), ensure_ascii=False) if as_json else prediction)
    if len(products) < len(pictures):
        raise typer.Exit(_SOME_UNREAD)


def _readable(pictures: "Sequence[Path]") -> "list[Product]":
    """Open pictures; of each that cannot be read a message is printed. Where none can, the command ends."""
    from finetune.errors import DataError
    from finetune.evaluation.predict import open_pictures

    products: list[Product] = []
    for picture in pictures:
        try:
            products += open_pictures([picture])
        except DataError as error:
            typer.echo(f"finetune: {error}", err=True)
    if not products:
        raise typer.Exit(BAD_INPUT)
    return products


@app.command()
def evaluate(
    model: ModelArgument,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=PATH: a dataset, a name on the Hub or template:NAME; once for each source. One with the name "
            "of a source of the run has its columns and categories.",
            show_default="the run's sources",
        ),
    ] = None,
    adapter: AdapterOption = None,
    split: Annotated[str, typer.Option(help="test, validation, train or all.")] = "test",
    limit: Annotated[
        int | None, typer.Option(help="At most how many products of each source, drawn by --seed.", min=2)
    ] = None,
    train_limit: Annotated[
        int, typer.Option(help="How many training products the baselines learn from; 0: no baselines.", min=0)
    ] = 2000,
    out: Annotated[Path, typer.Option(help="Folder of report.html, report.json and kept answers.")] = Path(
        "evaluation"
    ),
    config: ConfigOption = None,
    form: FormOption = None,
    fields: FieldsOption = None,
    answer: AnswerOption = None,
    num_crops: CropsOption = None,
    batch_size: BatchOption = 8,
    max_bad: Annotated[int, typer.Option(help="Unusable products that are passed over.", min=0)] = 50,
    seed: Annotated[int, typer.Option(help="Same seed, same result.", min=0)] = 0,
    device: DeviceOption = "auto",
) -> None:
    """Measure a model's answers beside baselines, and test whether they come from the pictures.

    Answers are generated for each product's own picture, for the picture of another product and for a grey one.
    What was answered is kept in --out, so that a second run, or one that was stopped, goes on from there.
    """
    from finetune.config import SplitConfig, parse_source
    from finetune.evaluation.evaluate import EvaluationSettings, evaluate, open_sources, pictures_to_see
    from finetune.evaluation.generation import AnswerCache
    from finetune.evaluation.report import ANSWERS, console_table, is_evaluation, write_report
    from finetune.evaluation.run_settings import prompt_of_run, settings_of_run, sources_to_ask_about
    from finetune.loading import choose_device, load_model
    from finetune.model_folder import check_unmixed

    run = settings_of_run(config, adapter, model)
    asked = prompt_of_run(run, form=form, fields=fields, answer=answer).build()
    crops = num_crops or (run.data.num_crops if run else None)
    settings = EvaluationSettings(
        split=split,  # type: ignore[arg-type]  # checked there
        limit=limit,
        train_limit=train_limit,
        batch_size=batch_size,
        num_crops=crops,
        max_bad=max_bad,
        seed=seed,
        rule=run.data.splits if run else SplitConfig(),
    )
    place = choose_device(device)
    check_unmixed(out, "an evaluation's", is_own=is_evaluation)
    asked_about = sources_to_ask_about(run, [parse_source(text) for text in data or ()])
    sources = open_sources(asked_about, asked, settings)
    loaded = load_model(model, adapter=adapter, device=place, num_crops=crops)
    cache = AnswerCache(out / ANSWERS, model=loaded.digest)
    results = []
    for source in sources:
        with show_progress(source.config.name, pictures_to_see(source)) as advance:
            results.append(
                evaluate(
                    loaded.model,
                    loaded.processor,
                    source,
                    form=asked,
                    settings=settings,
                    cache=cache,
                    on_rows=advance,
                )
            )
        typer.echo(console_table(results[-1]) + "\n")
    page, values = write_report(
        out,
        results,
        about={
            "model": model,
            "adapter": None if adapter is None else str(adapter),
            "split": split,
            "prompt": asked.prompt_text,
            "answer": asked.answer,
            "crops": crops or loaded.processor.image_processor.num_crops,
            "draws": settings.draws,
            "seed": seed,
        },
    )
    typer.echo(f"{page}\n{values}")


@app.command()
def compare(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="Settings that all runs share.")],
    arms: Annotated[
        str, typer.Option(help="Of real, synthetic and mixed, with commas.")
    ] = "real,synthetic,mixed",
    ratios: Annotated[
        str, typer.Option(help="Shares of synthetic samples; mixed arms take those between 0 and 1.")
    ] = "0,0.25,0.5,0.75,1",
    seeds: Annotated[int, typer.Option(help="Runs of each arm.", min=1)] = 3,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE of the settings; any number.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the runs, the table and the plot.")] = Path(
        "comparison"
    ),
    limit: Annotated[
        int | None, typer.Option(help="At most how many products of each source are tested on.", min=2)
    ] = None,
    batch_size: BatchOption = 8,
) -> None:
    """Train on real, synthetic and mixed data, equal steps each, and test all on the same held-out products.

    Tested is on the test split of the real sources. A run that was stopped goes on; one that is finished is not
    done again.
    """
    from finetune.arms import plan_arms, plan_runs, run_experiment
    from finetune.arms.report import is_comparison, table, write_comparison
    from finetune.config import load_run
    from finetune.evaluation.evaluate import EvaluationSettings
    from finetune.model_folder import check_unmixed

    shared = load_run(config, changes=changes or ())
    planned = plan_arms([arm.strip() for arm in arms.split(",") if arm.strip()], _numbers(ratios))
    runs = plan_runs(shared, planned, seeds=seeds, out=out)
    check_unmixed(out, "a comparison's", is_own=is_comparison)
    settings = EvaluationSettings(
        limit=limit, batch_size=batch_size, max_bad=shared.data.max_bad, rule=shared.data.splits
    )
    experiment = run_experiment(shared, runs, settings=settings, on_run=_announce)
    typer.echo(table(experiment))
    for path in write_comparison(out, experiment):
        typer.echo(path)


def _announce(run: "ArmRun", finished: bool) -> None:
    typer.echo(f"{run.arm.name}, seed {run.seed}: {'finished before' if finished else 'training'}", err=True)


def _numbers(text: str) -> list[float]:
    from finetune.errors import ConfigError

    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"ratios: found {text!r}; write numbers with commas, such as 0,0.5,1.") from None
