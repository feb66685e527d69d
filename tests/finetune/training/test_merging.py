import pytest
import torch
from peft import PeftModel
from peft.tuners.lora import LoraModel
from safetensors.torch import load_file, save_file

from finetune.config import LoraSettings
from finetune.errors import CheckpointError, FinetuneError
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.adapters import add_adapters
from finetune.modeling.checkpoint import check_tensors
from finetune.modeling.model import shapes_of
from finetune.training.merging import merge_adapter

# These adapters name no model: what the warning says is tested with those of loading.
pytestmark = pytest.mark.filterwarnings("ignore::finetune.errors.FinetuneWarning")


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


def test_a_merge_that_leaves_weak_adapters_out_is_found_out(model_folder, new_model, tmp_path, monkeypatch):
    folder = _adapters(new_model, tmp_path / "weak", std=1e-4)
    monkeypatch.setattr(LoraModel, "merge_and_unload", lambda self, **_: self.unload())

    with pytest.raises(CheckpointError, match=r"more than 5% of that\. Nothing was written"):
        merge_adapter(model_folder, folder, tmp_path / "merged")

    assert not (tmp_path / "merged").exists()


def test_adapters_that_rounding_would_swallow_are_refused(new_model, processor, tmp_path):
    new_model().to(torch.bfloat16).save_pretrained(tmp_path / "half")
    processor.save_pretrained(tmp_path / "half")

    with pytest.raises(CheckpointError, match=r"rounding to torch\.bfloat16 .*nothing of them would be left"):
        merge_adapter(
            tmp_path / "half",
            _adapters(new_model, tmp_path / "weak", std=1e-4),
            tmp_path / "merged",
            tolerance=1,
        )

    assert not (tmp_path / "merged").exists()


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_loaded(model_folder, adapter, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(FinetuneError, match="is no folder that can be written"):
        merge_adapter(model_folder, adapter, tmp_path / "file" / "merged")


def _adapters(new_model, folder, *, std):
    adapted = add_adapters(new_model(), LoraSettings(rank=4, alpha=8))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=std, generator=generator)
    adapted.save_pretrained(str(folder), save_embedding_layers=False)
    return folder
