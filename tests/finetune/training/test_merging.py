import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from finetune.config import LoraSettings
from finetune.errors import CheckpointError
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.adapters import add_adapters
from finetune.modeling.checkpoint import check_tensors
from finetune.modeling.model import shapes_of
from finetune.training.merging import merge_adapter


@pytest.fixture(scope="module", params=[False, True], ids=["lora", "dora"])
def adapter(request, new_model, tmp_path_factory):
    """Adapters that change the model's answers."""
    model = new_model()
    adapted = add_adapters(model, LoraSettings(rank=4, alpha=8, head=True), dora=request.param)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1, generator=generator)
    folder = tmp_path_factory.mktemp("adapters") / "made"
    adapted.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


def _logits(model, processor, noise):
    inputs = processor("<|user|>\n<|image_1|>\nWhat is shown?<|end|>\n<|assistant|>\n", noise(50, 40))
    with torch.inference_mode():
        return model(**inputs).logits


def test_a_merged_model_answers_as_the_model_with_adapters(adapter, model_folder, processor, noise, tmp_path):
    merged = merge_adapter(model_folder, adapter, tmp_path / "merged")

    plain = Phi3VisionForCausalLM.from_pretrained(model_folder).eval()
    without = _logits(plain, processor, noise)
    # Plain peft opens what training writes.
    wanted = _logits(PeftModel.from_pretrained(plain, str(adapter)).eval(), processor, noise)
    found = _logits(Phi3VisionForCausalLM.from_pretrained(tmp_path / "merged").eval(), processor, noise)
    assert (wanted - without).abs().max() > 0.1
    torch.testing.assert_close(found, wanted, atol=2e-4, rtol=1e-4)
    assert merged.difference < 1e-5
    assert merged.modules == 2 * 4 + 2 + 6 + 1


def test_a_merged_model_has_the_published_layout(adapter, model_folder, model, tmp_path):
    merge_adapter(model_folder, adapter, tmp_path / "merged")

    check_tensors(tmp_path / "merged", shapes_of(model.config))
    names = {path.name for path in (tmp_path / "merged").iterdir()}
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "preprocessor_config.json",
        "README.md",
    } <= names


def test_adapters_of_another_model_are_refused(adapter, model_folder, tmp_path):
    weights = load_file(adapter / "adapter_model.safetensors")
    other = tmp_path / "other"
    other.mkdir()
    (other / "adapter_config.json").write_text((adapter / "adapter_config.json").read_text())
    wider = {
        name: torch.zeros(tensor.shape[0], 99) if ".lora_A." in name else tensor
        for name, tensor in weights.items()
    }
    save_file(wider, other / "adapter_model.safetensors")

    with pytest.raises(CheckpointError, match="trained on another model"):
        merge_adapter(model_folder, other, tmp_path / "merged")

    assert not (tmp_path / "merged").exists()


def test_a_merge_that_does_not_keep_the_outputs_writes_nothing(adapter, model_folder, tmp_path):
    with pytest.raises(CheckpointError, match="Nothing was written"):
        merge_adapter(model_folder, adapter, tmp_path / "merged", tolerance=0.0)

    assert list(tmp_path.iterdir()) == []
