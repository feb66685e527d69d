"""Phi-3's tokenizer: read and written as published, or built from texts for models that start from nothing."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from finetune.errors import CheckpointError
from finetune.vocabulary import END, SYSTEM, USER

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
WORDS = 32_000
"""Tokens before the special ones."""
_SPACE = "\u2581"
_NAMED = {
    0: "<|endoftext|>",
    1: "<|assistant|>",
    6: "<|system|>",
    7: "<|end|>",
    10: "<|user|>",
    44: "<|image|>",
}
_SPECIALS = 45
"""How many special tokens stand from id 32,000 on; those that `_NAMED` does not name are placeholders."""
_STRIPS_NO_SPACE = ("<|endoftext|>", "<|system|>", "<|end|>", "<|user|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt and messages[-1]['role'] != 'assistant' %}<|assistant|>\n{% endif %}"
)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Read a model's tokenizer.json, with the ids that it gives.

    The published tokenizer_config.json names LlamaTokenizer, which in transformers 5 gives other ids (it drops
    29871), so the file itself is read.

    Raises:
        CheckpointError: If it is missing or damaged.
    """
    if not (folder / TOKENIZER).is_file():
        raise CheckpointError(f"{folder}: has no {TOKENIZER}. Give the folder of a model with its tokenizer.")
    try:
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    except Exception as error:  # the Rust library raises bare Exception
        raise CheckpointError(f"{folder / TOKENIZER}: cannot be read: {error}") from error
    return tokenizer


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json so that the published code's transformers reads them too."""
    vocabulary = json.loads(tokenizer.backend_tokenizer.to_str())
    # Merges as "left right": tokenizers before 0.20 reads no other form, and later releases read it too.
    vocabulary["model"]["merges"] = [" ".join(pair) for pair in vocabulary["model"]["merges"]]
    _write_json(folder / TOKENIZER, vocabulary)
    names = {token.pop("id"): token for token in vocabulary["added_tokens"]}
    values = {
        "add_bos_token": True,
        "add_eos_token": False,
        "added_tokens_decoder": {str(number): names[number] for number in sorted(names)},
        "additional_special_tokens": [names[number]["content"] for number in (SYSTEM, END, USER)],
        "auto_map": {"AutoProcessor": "processing_phi3_v.Phi3VProcessor"},
        "bos_token": tokenizer.bos_token,
        "chat_template": tokenizer.chat_template,
        "clean_up_tokenization_spaces": False,
        "eos_token": tokenizer.eos_token,
        "legacy": False,
        "model_max_length": tokenizer.model_max_length,
        "pad_token": tokenizer.pad_token,
        "padding_side": tokenizer.padding_side,
        "processor_class": "Phi3VProcessor",
        "tokenizer_class": "LlamaTokenizer",
        "unk_token": tokenizer.unk_token,
        "use_default_system_prompt": False,
    }
    _write_json(folder / TOKENIZER_CONFIG, values)


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def build_tokenizer(texts: Iterable[str], *, words: int = 4096) -> PreTrainedTokenizerFast:
    """Train a tokenizer whose special tokens stand at Phi-3's places, with Phi-3's way of splitting text.

    Args:
        texts: What it learns its words from; other text falls back on bytes.
        words: How many tokens are learned, at most 32,000; the places up to there stay unused.

    Returns:
        Same texts, same tokenizer.
    """
    learner = Tokenizer(models.BPE())
    learner.normalizer = _normalizer()
    learner.pre_tokenizer = pre_tokenizers.Split(_SPACE, "merged_with_next")
    first = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=words, special_tokens=first, show_progress=False)
    learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str())["model"]
    vocabulary: dict[str, int] = learned["vocab"]
    vocabulary.update({f"<unused_{number}>": number for number in range(len(vocabulary), WORDS)})
    merges = [(left, right) for left, right in learned["merges"]]
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = _normalizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in ("<unk>", "<s>", "</s>")])
    tokenizer.add_special_tokens([_special(number) for number in range(_SPECIALS)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="<|endoftext|>",
        unk_token="<unk>",
        pad_token="<|endoftext|>",
        padding_side="right",
        clean_up_tokenization_spaces=False,
        model_max_length=131_072,
        chat_template=CHAT_TEMPLATE,
    )


def _normalizer() -> normalizers.Normalizer:
    return normalizers.Sequence([normalizers.Prepend(_SPACE), normalizers.Replace(" ", _SPACE)])


def _special(number: int) -> AddedToken:
    name = _NAMED.get(number, f"<|placeholder{number}|>")
    return AddedToken(name, normalized=False, rstrip=name not in _STRIPS_NO_SPACE)
