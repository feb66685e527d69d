import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from finetune import Phi3VisionForCausalLM, Phi3VisionProcessor
from finetune.errors import CheckpointError
from finetune.inspection import inspect_model
from finetune.modeling.model import shapes_of
from finetune.modeling.sizes import new_config
from finetune.new_models import new_model
from finetune.vocabulary import END, USER


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return new_model("tiny", tmp_path_factory.mktemp("models") / "tiny", seed=3)


def test_a_new_model_reads_a_picture_and_writes(tiny, noise):
    model, processor = Phi3VisionForCausalLM.from_pretrained(tiny), Phi3VisionProcessor.from_pretrained(tiny)
    inputs = processor("<|user|>\n<|image_1|>\nWhat?<|end|>\n<|assistant|>\n", noise(40, 30))
    written = model.generate(**inputs, max_new_tokens=3, min_new_tokens=3, do_sample=False)
    assert written.shape[1] == inputs["input_ids"].shape[1] + 3
    assert processor.tokenizer.convert_tokens_to_ids(["<|user|>", "<|end|>"]) == [USER, END]


def test_its_tokenizer_knows_the_words_of_product_titles(tiny):
    processor = Phi3VisionProcessor.from_pretrained(tiny)
    answer = "Product: Check Cotton Bucket Hat, Category: HATS & GLOVES, Full Price: 440.0"
    ids = processor(answer)["input_ids"][0]
    assert len(ids) < len(answer.split()) * 2.5  # a tokenizer that knew bytes alone would take 77
    assert processor.decode(ids, skip_special_tokens=True) == answer


def test_same_seed_same_files_and_another_seed_other_weights(tiny, tmp_path):
    again, other = (
        new_model("tiny", tmp_path / "again", seed=3),
        new_model("tiny", tmp_path / "other", seed=4),
    )
    names = {path.name for path in tiny.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"} <= names
    assert all((again / name).read_bytes() == (tiny / name).read_bytes() for name in names)
    assert (other / "model.safetensors").read_bytes() != (tiny / "model.safetensors").read_bytes()


def test_mini_has_between_60_and_90_million_parameters():
    assert 60e6 < sum(shape.numel() for shape in shapes_of(new_config("mini")).values()) < 90e6


def test_nothing_is_written_where_a_folder_is_or_cannot_be(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="exists already"):
        new_model("tiny", tiny)
    with pytest.raises(CheckpointError, match="cannot be made"):
        new_model("tiny", tmp_path / "file" / "model")
    with pytest.raises(CheckpointError, match="size is 'huge'; allowed are tiny, mini"):
        new_model("huge", tmp_path / "huge")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_info_counts_what_the_files_hold(tiny):
    info = inspect_model(tiny, rank=8)
    counted = {name: shape.numel() for name, shape in shapes_of(new_config("tiny")).items()}
    assert (info.parameters, info.tensors) == (sum(counted.values()), len(counted))
    head = next(part for part in info.parts if part.name == "head")
    assert (head.parameters, head.dtypes) == (counted["lm_head.weight"], ("F32",))
    assert info.inference_bytes < info.lora_bytes < info.full_bytes
    assert inspect_model(tiny, rank=16).adapter_parameters == 2 * info.adapter_parameters


def test_info_counts_no_copy(tiny, tmp_path):
    copy = shutil.copytree(tiny, tmp_path / "copy")
    tensors = load_file(copy / "model.safetensors")
    wte = "model.vision_embed_tokens.wte.weight"
    tensors[wte] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    assert inspect_model(copy) == replace(inspect_model(tiny), copies=(wte,))
