"""What the training run of a model says about how it is to be asked."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune.config import PromptConfig, SourceConfig
from finetune.config.run import RunConfig, load_run

CONFIG = "config.yaml"
_OF_A_RUN = ("final", "best")
"""Folders that a run leaves beside its settings."""


def settings_of_run(config: Path | None, *places: str | Path | None) -> RunConfig | None:
    """Find the settings of the run that made a model or adapters.

    Args:
        config: The file, where it is named.
        *places: Folders of adapters and of the model; a folder ``final`` or ``best`` with the run's settings beside
            it is one of a run.

    Returns:
        None where there are none, as for published models.

    Raises:
        ConfigError: If the file cannot be read, or holds unknown settings.
    """
    if config is not None:
        return load_run(config)
    for place in places:
        path = Path(place or "")
        if path.name in _OF_A_RUN and (path.parent / CONFIG).is_file():
            return load_run(path.parent / CONFIG)
    return None


def sources_to_ask_about(run: RunConfig | None, given: Sequence[SourceConfig]) -> list[SourceConfig]:
    """Give the sources of an evaluation: those that are named, else those of the run.

    A named source that is called like one of the run is read as that one: with its columns, categories, size of
    pictures and kind; with its revision too where the path is the same.
    """
    known = {source.name: source for source in run.data.sources} if run else {}
    return [_read_as(source, known.get(source.name)) for source in given] or [*known.values()]


def _read_as(source: SourceConfig, known: SourceConfig | None) -> SourceConfig:
    if known is None or known.path == source.path:
        return known or source
    return replace(known, path=source.path, subset=None, revision=None)


def prompt_of_run(
    run: RunConfig | None, *, form: str | None, fields: str | None, answer: str | None
) -> PromptConfig:
    """Give the prompt of a run, changed by what is said besides.

    Args:
        run: None for the default prompt.
        form: ``source`` or ``chat``, in place of the run's prompt.
        fields: Such as ``title,category,price``, in place of the run's answer.
        answer: A template, in place of the run's answer.

    Raises:
        ConfigError: If a value is not allowed.
    """
    prompt = PromptConfig() if run is None else run.data.prompt
    changes: dict[str, Any] = {}
    if form is not None:
        changes |= {"form": form, "prompt": None, "ending": None}
    if fields is not None:
        names = tuple(name.strip() for name in fields.split(",") if name.strip())
        changes |= {"fields": names, "answer": None}
    if answer is not None:
        changes["answer"] = answer
    return replace(prompt, **changes)
