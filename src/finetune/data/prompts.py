"""Prompts with numbered pictures: ``<|image_1|>``, ``<|image_2|>`` ... as Phi-3-Vision writes them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from finetune.errors import ProcessingError

PLACEHOLDER = re.compile(r"<\|image_(\d{1,99})\|>")
Message = Mapping[str, Any]


def split_prompt(prompt: str) -> tuple[list[str], list[int]]:
    """Cut a prompt at its pictures: the texts around them (one more than pictures), and the pictures' numbers.

    Raises:
        ProcessingError: If the numbers do not run from 1 without gaps.
    """
    pieces = PLACEHOLDER.split(prompt)
    numbers = [int(number) for number in pieces[1::2]]
    if sorted(set(numbers)) != list(range(1, len(set(numbers)) + 1)):
        raise ProcessingError(
            f"the prompt names pictures {sorted(set(numbers))}; number them from 1 on without gaps, "
            "as in <|image_1|> and <|image_2|>."
        )
    return pieces[::2], numbers


def number_pictures(conversation: Sequence[Message]) -> tuple[list[dict[str, str]], list[Any]]:
    """Turn a conversation in transformers' form into one of plain strings.

    Args:
        conversation: Messages of ``role`` and ``content``; content is a string, or parts such as
            ``{"type": "text", "text": ...}`` and ``{"type": "image", "image": ...}``.

    Returns:
        Messages whose content is a string with numbered placeholders, each on a line of its own; and the pictures
        that the parts held, in order.

    Raises:
        ProcessingError: If there is no message, one has no role or content, a part is of another type, or some
            pictures are numbered already and others are parts.
    """
    messages, pictures, number = [], [], 0
    if not conversation:
        raise ProcessingError("the conversation is empty; give at least one message.")
    for message in conversation:
        if (
            not isinstance(message, Mapping)
            or "content" not in message
            or not isinstance(message.get("role"), str)
        ):
            raise ProcessingError(f"found the message {message!r}; each needs a role and content.")
        content = message["content"]
        if not isinstance(content, str):
            text = ""
            for part in _parts(content):
                if part["type"] == "image":
                    number += 1
                    text += f"<|image_{number}|>\n"
                    pictures += [part[name] for name in ("image", "path") if part.get(name) is not None]
                else:
                    text += part["text"]
            content = text
        messages.append({"role": message["role"], "content": content})
    named = sum(len(PLACEHOLDER.findall(message["content"])) for message in messages)
    if number and named != number:
        raise ProcessingError(
            f"the conversation has {number} parts of type image and placeholders such as <|image_1|> in its texts. "
            "Give all pictures as parts, or number all in the texts."
        )
    return messages, pictures


def _parts(content: Any) -> list[Mapping[str, Any]]:
    if not isinstance(content, list | tuple):
        raise ProcessingError(
            f"found the content {content!r}; give a string, or a list of parts of type text and image."
        )
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
        if kind not in ("text", "image"):
            raise ProcessingError(f"found a part of type {kind!r}; allowed are text and image.")
        if kind == "image" and part.get("url") is not None:
            raise ProcessingError(
                f"{part['url']}: is a URL; nothing is downloaded. Give the picture, or its path."
            )
        if kind == "text" and not isinstance(part.get("text"), str):
            raise ProcessingError(f"found the part {dict(part)!r}; one of type text needs its text.")
    return list(content)
