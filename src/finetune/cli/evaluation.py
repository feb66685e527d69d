"""Commands that ask a model about pictures: predict, evaluate."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from finetune.cli.app import app
from finetune.cli.progress import show_progress

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Folder of a model, or its name on the Hub.")
]
AdapterOption = Annotated[Path | None, typer.Option(help="Folder of adapters that were trained on it.")]
DeviceOption = Annotated[str, typer.Option(help="auto (a GPU where there is one), cpu or cuda.")]
CropsOption = Annotated[
    int | None, typer.Option(help="At most how many crops a picture is cut into.", min=1, max=16)
]
FormOption = Annotated[
    str, typer.Option(help="Prompt: source (the source document's) or chat (the official).")
]
FieldsOption = Annotated[str, typer.Option(help="Fields of the answer in order, of title, category, price.")]
AnswerOption = Annotated[
    str | None,
    typer.Option(help="Template of the answer in place of --fields, such as '{title} {full_price}'."),
]
BatchOption = Annotated[int, typer.Option(help="Pictures at a time.", min=1)]


@app.command()
def predict(
    model: ModelArgument,
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="Files of pictures.")],
    adapter: AdapterOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each picture.")] = False,
    form: FormOption = "source",
    fields: FieldsOption = "title,category,price",
    answer: AnswerOption = None,
    num_crops: CropsOption = None,
    batch_size: BatchOption = 8,
    device: DeviceOption = "auto",
) -> None:
    """Print title, category and price of the products on pictures."""
    from finetune.config import PromptConfig
    from finetune.evaluation.predict import open_pictures, predict_pictures
    from finetune.loading import choose_device, load_model

    asked = PromptConfig(form=form, fields=_split(fields), answer=answer).build()  # type: ignore[arg-type]
    place = choose_device(device)
    products = open_pictures(pictures)
    loaded = load_model(model, adapter=adapter, device=place, num_crops=num_crops)
    with show_progress("pictures", len(products)) as advance:
        predictions = predict_pictures(
            loaded.model, loaded.processor, products, form=asked, batch_size=batch_size, on_rows=advance
        )
    for prediction in predictions:
        typer.echo(json.dumps(asdict(prediction), ensure_ascii=False) if as_json else prediction)


@app.command()
def evaluate(
    model: ModelArgument,
    data: Annotated[
        list[str],
        typer.Option(help="NAME=PATH: a dataset, a name on the Hub or template:NAME; once for each source."),
    ],
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
    form: FormOption = "source",
    fields: FieldsOption = "title,category,price",
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
    from finetune.config import PromptConfig, parse_source
    from finetune.evaluation.evaluate import EvaluationSettings, evaluate, open_sources, pictures_to_see
    from finetune.evaluation.generation import AnswerCache
    from finetune.evaluation.report import console_table, write_report
    from finetune.loading import choose_device, load_model

    asked = PromptConfig(form=form, fields=_split(fields), answer=answer).build()  # type: ignore[arg-type]
    settings = EvaluationSettings(
        split=split,  # type: ignore[arg-type]  # checked there
        limit=limit,
        train_limit=train_limit,
        batch_size=batch_size,
        num_crops=num_crops,
        max_bad=max_bad,
        seed=seed,
    )
    place = choose_device(device)
    sources = open_sources([parse_source(text) for text in data], asked, settings)
    loaded = load_model(model, adapter=adapter, device=place, num_crops=num_crops)
    cache = AnswerCache(out / "answers.jsonl", model=loaded.digest)
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
            "crops": num_crops or loaded.processor.image_processor.num_crops,
            "draws": settings.draws,
            "seed": seed,
        },
    )
    typer.echo(f"{page}\n{values}")


def _split(fields: str) -> tuple[str, ...]:
    return tuple(field.strip() for field in fields.split(",") if field.strip())
