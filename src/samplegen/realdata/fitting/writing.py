"""Writes the YAML of a pack as a person would: short forms, one line for what belongs together."""

import json
import re
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r"[^\W_](?:[\w .\u2019'()+/&\u2013-]*[\w\u2019'.)+])?")
_RESERVED = {"true", "false", "null", "~"}
_WIDTH = 110


def number(value: float) -> str:
    """Write a number with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return text if text not in ("", "-0") else "0"


def scalar(text: str) -> str:
    """Write text plainly where YAML reads it back as that text, quoted elsewhere."""
    plain = _PLAIN.fullmatch(text) and text not in _RESERVED and not re.fullmatch(r"[\d.e+-]+", text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def weights(values: Mapping[str, float]) -> str:
    """Write words with weights: ``Check 3, Argyle 1``, or a mapping where a comma stands in a word."""
    if any("," in word or word != word.strip() for word in values):
        return flow({word: number(value) for word, value in values.items()})
    text = ", ".join(f"{word} {number(value)}" for word, value in values.items())
    return scalar(text) if not _plain_list(text) else text


def _plain_list(text: str) -> bool:
    return (
        bool(re.fullmatch(r"[^\W_][\w .\u2019'()+/&\u2013,-]*", text))
        and " #" not in text
        and ": " not in text
    )


def flow(values: Mapping[str, str]) -> str:
    """Write a mapping on one line; keys are quoted where needed, values are YAML already."""
    return "{" + ", ".join(f"{_key(key)}: {value}" for key, value in values.items()) + "}"


def _key(key: str) -> str:
    simple = re.fullmatch(r"[A-Za-z][\w -]*", key) and key not in ("yes", "no", *_RESERVED)
    return key if simple else json.dumps(key, ensure_ascii=False)


def words(values: Sequence[str]) -> str:
    """Write a list of words on one line."""
    return "[" + ", ".join(_item(value) for value in values) + "]"


def _item(value: str) -> str:
    simple = (
        re.fullmatch(r"[^\W\d_][\w .\u2019'/&\u2013-]*", value)
        and value not in _RESERVED
        and value == value.strip()
    )
    return value if simple else json.dumps(value, ensure_ascii=False)
