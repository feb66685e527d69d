import json
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from finetune import loading
from finetune.errors import CheckpointError, FinetuneError, FinetuneWarning
from finetune.inspection import inspect_model
from finetune.loading import check_adapter, choose_device, load_model, note_base

NAME = "model.layers.0.self_attn.o_proj"
LAYER = f"base_model.model.{NAME}"


@pytest.fixture
def adapter(tmp_path):
    """Write adapters of rank 2 on one layer, 64 wide unless told otherwise."""

    def write(*, layer=LAYER, width=64, config=True):
        folder = tmp_path / "adapter"
        folder.mkdir()
        settings = {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": [NAME]}
        if config:
            (folder / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
        tensors = {
            f"{layer}.lora_A.weight": torch.ones(2, width),
            f"{layer}.lora_B.weight": torch.ones(64, 2),
        }
        save_file(tensors, folder / "adapter_model.safetensors")
        return folder

    return write


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("models/tiny", "this holds adapters of models/tiny; give that."),
        (None, "this holds adapters alone; give the model that they were trained on."),
    ],
)
def test_adapters_in_place_of_a_model_name_the_model(tmp_path, base, message):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))

    with pytest.raises(CheckpointError, match=re.escape(f"{tmp_path}: {message}")):
        inspect_model(tmp_path)


@pytest.mark.filterwarnings("ignore:.*only names and shapes:finetune.errors.FinetuneWarning")
def test_a_loaded_model_answers_and_has_a_digest_of_its_own(model_folder, adapter):
    cpu = choose_device("cpu")
    plain, again = load_model(model_folder, device=cpu), load_model(model_folder, device=cpu, num_crops=1)

    adapted = load_model(model_folder, adapter=adapter(), device=cpu)

    assert plain.digest == again.digest != adapted.digest
    assert again.processor.image_processor.num_crops == 1
    assert not plain.model.training
    ids = torch.tensor([[1, 300, 301]])
    assert not torch.equal(plain.model(ids).logits, adapted.model(ids).logits)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"width": 96},
            r"adapts model\.layers\.0\.self_attn\.o_proj with \(2, 96\).*has with shape \(64, 64\)",
        ),
        (
            {"layer": LAYER.replace("layers.0", "layers.9")},
            r"layers\.9.*does not have\. The adapters were trained on another",
        ),
        ({"config": False}, r"has no adapter_config\.json"),
    ],
)
def test_adapters_of_another_model_are_refused(model_folder, adapter, wrong, message):
    with pytest.raises(CheckpointError, match=message):
        check_adapter(adapter(**wrong), model_folder)


def test_pickled_adapters_are_refused(model_folder, adapter):
    folder = adapter()
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")

    with pytest.raises(CheckpointError, match="as safetensors alone"):
        check_adapter(folder, model_folder)


def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(model_folder, monkeypatch):
    monkeypatch.setattr(loading, "free_memory", lambda device: 10_000_000)

    with pytest.raises(FinetuneError, match=r"takes about 0\.0 GB, 0\.0 GB are free \(cpu\)"):
        load_model(model_folder, device=torch.device("cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_an_absent_gpu_is_named():
    with pytest.raises(FinetuneError, match="torch finds no CUDA GPU"):
        choose_device("cuda")
    assert choose_device() == torch.device("cpu")


def test_a_folder_of_adapters_alone_brings_the_model_that_it_names(model_folder, adapter):
    folder = adapter()
    _name_base(folder, model_folder)

    loaded = load_model(folder, device=torch.device("cpu"))

    assert loaded.digest == load_model(model_folder, adapter=folder, device=torch.device("cpu")).digest


@pytest.mark.parametrize(
    ("base", "message"), [(None, "name no model"), ("gone", "gone: there is no such folder.*as its adapter")]
)
def test_a_folder_of_adapters_whose_model_is_not_here_says_what_to_give(adapter, base, message):
    folder = adapter()
    _name_base(folder, base)

    with pytest.raises(CheckpointError, match=message):
        load_model(folder, device=torch.device("cpu"))


def test_a_whole_model_in_place_of_adapters_is_named(model_folder):
    with pytest.raises(CheckpointError, match="holds a whole model, no adapters"):
        check_adapter(model_folder, model_folder)


def test_adapters_of_a_model_of_the_same_shapes_are_refused(model_folder, adapter, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(model_folder, other)
    weights = load_file(other / "model.safetensors")
    weights[f"{NAME}.weight"] += 0.1
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    folder = adapter()

    note_base(folder, str(model_folder))

    check_adapter(folder, model_folder)
    with pytest.raises(CheckpointError, match="other weights than those of"):
        check_adapter(folder, other)


@pytest.mark.parametrize(
    ("base", "name"), [("elsewhere/another-model", "elsewhere/another-model"), (None, "none")]
)
def test_adapters_without_a_digest_that_name_another_model_are_told(model_folder, adapter, base, name):
    folder = adapter()
    _name_base(folder, base)

    with pytest.warns(FinetuneWarning, match=f"notes no digest .*names {name};"):
        check_adapter(folder, model_folder)


@pytest.mark.parametrize("given", ["its folder", "a copy in the Hub's cache", "another, with a digest"])
def test_adapters_of_this_model_are_not_warned_of(model_folder, adapter, tmp_path, recwarn, given):
    folder, model = adapter(), model_folder
    _name_base(folder, model_folder)
    if given == "a copy in the Hub's cache":
        model = shutil.copytree(model_folder, tmp_path / "models--owner--name" / "snapshots" / "0")
        _name_base(folder, "owner/name")
    elif given == "another, with a digest":
        _name_base(folder, "elsewhere/another-model")
        note_base(folder, str(model_folder))

    check_adapter(folder, model)

    assert [str(warning.message) for warning in recwarn] == []


def test_putting_adapters_on_a_model_warns_of_nothing(model_folder, adapter, recwarn):
    load_model(model_folder, adapter=adapter(), device=torch.device("cpu"))

    assert [str(warning.message) for warning in recwarn if warning.category is FutureWarning] == []


def _name_base(folder, base):
    path = folder / "adapter_config.json"
    values = json.loads(path.read_text(encoding="utf-8")) | {"base_model_name_or_path": base and str(base)}
    path.write_text(json.dumps(values), encoding="utf-8")
