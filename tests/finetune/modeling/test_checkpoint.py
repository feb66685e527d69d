import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from finetune.errors import CheckpointError
from finetune.modeling import Phi3VisionForCausalLM

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
WTE, TABLE = "model.vision_embed_tokens.wte.weight", "model.embed_tokens.weight"


@pytest.fixture
def folder(model_folder, tmp_path):
    """A copy of the saved model, to be spoiled."""
    return shutil.copytree(model_folder, tmp_path / "tiny")


@pytest.fixture(scope="session")
def sharded_folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "sharded"
    model.save_pretrained(folder, max_shard_size="5MB")
    return folder


@pytest.fixture
def sharded(sharded_folder, tmp_path):
    """A copy of the model saved in shards, to be spoiled."""
    return shutil.copytree(sharded_folder, tmp_path / "sharded")


def _load(folder, **options):
    return Phi3VisionForCausalLM.from_pretrained(folder, **options)


def _change_tensors(folder, change):
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def _change_json(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def _same_tensors(first, second):
    first, second = first.state_dict(), second.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_saving_what_was_loaded_gives_the_same_files(model, model_folder, tmp_path):
    loaded = _load(model_folder)
    loaded.save_pretrained(tmp_path)
    assert _same_tensors(loaded, model)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"config.json", "generation_config.json", WEIGHTS}
    assert all((tmp_path / name).read_bytes() == (model_folder / name).read_bytes() for name in names)


def test_bf16_weights_stay_what_they_are(model_folder, tmp_path):
    loaded = _load(model_folder, dtype=torch.bfloat16)
    loaded.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["torch_dtype"] == "bfloat16"
    assert {tensor.dtype for tensor in load_file(tmp_path / WEIGHTS).values()} == {torch.bfloat16}
    assert _same_tensors(_load(tmp_path), loaded)


def test_names_in_the_file_are_the_published_ones(model_folder):
    names = load_file(model_folder / WEIGHTS).keys()
    tower = "model.vision_embed_tokens.img_processor.vision_model"
    assert {
        "lm_head.weight",
        "model.layers.1.self_attn.qkv_proj.weight",
        "model.layers.1.mlp.gate_up_proj.weight",
        "model.vision_embed_tokens.glb_GN",
        "model.vision_embed_tokens.img_projection.2.bias",
        f"{tower}.pre_layrnorm.weight",
        f"{tower}.embeddings.class_embedding",
        f"{tower}.encoder.layers.1.self_attn.out_proj.weight",
    } <= names
    assert WTE not in names


def test_shards_are_read(model, sharded):
    assert len(list(sharded.glob("*.safetensors"))) > 1
    assert _same_tensors(_load(sharded), model)


@pytest.mark.parametrize("sizes", [("5GB", "5MB"), ("5MB", "5GB"), ("5MB", "9MB")])
def test_what_was_saved_last_is_loaded(model, new_model, tmp_path, sizes):
    with torch.no_grad():
        other = new_model()
        other.lm_head.weight.add_(1)
    for saved, size in zip((other, model), sizes, strict=True):
        saved.save_pretrained(tmp_path, max_shard_size=size)
    assert _same_tensors(_load(tmp_path), model)


def test_weights_in_one_file_and_in_shards_are_refused(folder, sharded):
    shutil.copy(folder / WEIGHTS, sharded)
    with pytest.raises(CheckpointError, match=r"holds model.safetensors and .*index.json with its shards"):
        _load(sharded)


def test_a_copy_of_the_embeddings_may_have_another_dtype(folder, model):
    def change(tensors):
        tensors[TABLE] = tensors[TABLE].bfloat16().float()
        tensors[WTE] = tensors[TABLE].bfloat16()

    _change_tensors(folder, change)
    assert torch.equal(
        _load(folder).model.embed_tokens.weight, model.model.embed_tokens.weight.bfloat16().float()
    )


def test_whole_numbers_in_place_of_weights_are_refused(folder):
    _change_tensors(folder, lambda tensors: tensors.update({TABLE: tensors[TABLE].to(torch.int8)}))
    with pytest.raises(CheckpointError, match=r"no floating-point numbers \(1\): model\.embed_tokens"):
        _load(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trust_remote_code": True}, "no code of a checkpoint is ever run"),
        ({"use_safetensors": False}, "reading a pickle can run any code"),
        ({"variant": "fp16"}, "variant: files are read from the folder itself"),
        ({"subfolder": "a"}, "subfolder: files are read from the folder itself"),
    ],
)
def test_options_that_lead_elsewhere_are_refused(model_folder, options, message):
    with pytest.raises(CheckpointError, match=message):
        _load(model_folder, **options)


def test_the_report_of_loading_comes_on_demand(model, model_folder):
    loaded, report = _load(model_folder, output_loading_info=True)
    assert _same_tensors(loaded, model)
    assert not report["missing_keys"]


def test_a_folder_of_an_adapter_is_refused(folder):
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="holds an adapter"):
        _load(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_act": "nope"}, r"no model can be made of it: .*nope"),
        ({"tie_word_embeddings": True}, "Phi-3-Vision has a head of its own"),
        ({"transformers_weights": "a.safetensors"}, "weights are read under their published names"),
    ],
)
def test_a_config_json_that_fits_no_model_is_refused(folder, values, message):
    _change_json(folder / "config.json", lambda config: config.update(values))
    with pytest.raises(CheckpointError, match=message):
        _load(folder)


def test_transformers_finds_the_class(model, model_folder):
    loaded = AutoModelForCausalLM.from_pretrained(model_folder)
    assert type(loaded) is Phi3VisionForCausalLM
    assert _same_tensors(loaded, model)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_chosen_attention_is_that_of_both_parts(model_folder, attention):
    config = _load(model_folder, attn_implementation=attention).config
    assert config._attn_implementation == attention
    assert config.vision_config._attn_implementation == attention


def test_a_wish_for_flash_attention_in_the_file_is_passed_over(folder):
    _change_json(
        folder / "config.json", lambda values: values.update(_attn_implementation="flash_attention_2")
    )
    assert _load(folder).config._attn_implementation == "sdpa"


def test_generation_ends_on_chat_tokens_whatever_the_files_say(folder):
    (
        folder / "generation_config.json"
    ).unlink()  # as in the published files: eos_token_id is 2 in config.json
    assert json.loads((folder / "config.json").read_text())["eos_token_id"] == 2
    assert _load(folder).generation_config.eos_token_id == [32000, 32007]
    (folder / "generation_config.json").write_text('{"eos_token_id": 32001}')
    assert _load(folder).generation_config.eos_token_id == [32000, 32001, 32007]


def test_a_second_copy_of_the_word_embeddings_may_be_there(folder, model):
    _change_tensors(folder, lambda tensors: tensors.update({WTE: tensors[TABLE].clone()}))
    assert _same_tensors(_load(folder), model)


def test_tensors_that_follow_from_others_may_be_there(folder, model):
    place = "model.vision_embed_tokens.img_processor.vision_model.embeddings.position_ids"
    _change_tensors(folder, lambda tensors: tensors.update({place: torch.arange(577)[None]}))
    assert _same_tensors(_load(folder), model)


NORM = "model.norm.weight"
WRONG_TENSORS = {
    "missing": (lambda tensors: tensors.pop(NORM), rf"missing \(1\): {NORM}"),
    "unexpected": (
        lambda tensors: tensors.update({"model.extra.weight": torch.ones(1)}),
        r"unexpected \(1\): model\.extra\.weight",
    ),
    "misshapen": (
        lambda tensors: tensors.update({NORM: torch.ones(32)}),
        rf"of another shape \(1\): {NORM} is \(32,\), config.json gives \(64,\)",
    ),
    "renamed": (
        lambda tensors: tensors.update({"norm.weight": tensors.pop(NORM)}),
        rf"(?s)missing \(1\): {NORM}.*unexpected \(1\): norm\.weight",
    ),
    "many": (
        lambda tensors: [tensors.pop(name) for name in list(tensors) if "vision_model" in name],
        r"missing \(\d+\): .* \.\.\. and \d+ more",
    ),
    "another table of words": (
        lambda tensors: tensors.update({WTE: tensors[TABLE] + 1}),
        rf"{WTE} differs from {TABLE}",
    ),
    "another table of words in shape": (
        lambda tensors: tensors.update({WTE: tensors[TABLE][:10].clone()}),
        rf"{WTE} differs from {TABLE}",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG_TENSORS.values(), ids=WRONG_TENSORS)
def test_tensors_that_are_not_the_models_are_named(folder, change, message):
    _change_tensors(folder, change)
    with pytest.raises(CheckpointError, match=message):
        _load(folder)


def test_another_size_in_config_json_is_named(folder):
    _change_json(folder / "config.json", lambda values: values["vision_config"].update(num_hidden_layers=3))
    with pytest.raises(CheckpointError, match=r"missing \(16\): .*encoder\.layers\.2\."):
        _load(folder)


def _cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _pickled_only(folder):
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


WRONG_FILES = {
    "cut in the data": (lambda folder: _cut(folder / WEIGHTS, 0.5), "cannot be read as safetensors: .*again"),
    "cut in the header": (lambda folder: _cut(folder / WEIGHTS, 1e-5), "cannot be read as safetensors"),
    "empty": (lambda folder: _cut(folder / WEIGHTS, 0), "cannot be read as safetensors"),
    "of text": (
        lambda folder: (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1"),
        "cannot be read as safetensors",
    ),
    "pickled": (_pickled_only, r"holds pickled weights only \(pytorch_model.bin\).*can run any code"),
    "without weights": (lambda folder: (folder / WEIGHTS).unlink(), f"no weights; looked for {WEIGHTS}"),
    "without config.json": (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
    "of another model": (
        lambda folder: _change_json(folder / "config.json", lambda values: values.update(model_type="phi3")),
        "model_type is 'phi3'; allowed is 'phi3_v'",
    ),
    "of another order of pictures": (
        lambda folder: _change_json(
            folder / "config.json", lambda values: values["embd_layer"].update(hd_transform_order="glb_sub")
        ),
        "embd_layer.hd_transform_order is 'glb_sub'; implemented is 'sub_glb'",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_folder_that_is_no_model_is_refused(folder, change, message):
    change(folder)
    with pytest.raises(CheckpointError, match=message):
        _load(folder)


def test_pickled_weights_beside_safetensors_are_left_alone(folder, model):
    (folder / "pytorch_model.bin").write_bytes(b"no pickle")
    assert _same_tensors(_load(folder), model)


@pytest.mark.parametrize("name", ["no/such/folder/here", "nowhere", "../nowhere"])
def test_a_missing_folder_is_said_to_be_missing(name):
    with pytest.raises(CheckpointError, match="there is no such folder"):
        _load(name)


def test_a_name_that_was_never_downloaded_is_said_to_be_missing(tmp_path):
    with pytest.raises(CheckpointError, match=r"no such folder, and the Hugging Face Hub did not give it"):
        _load("someone/something", local_files_only=True, cache_dir=tmp_path)


def test_code_of_a_checkpoint_is_never_run(folder):
    with pytest.raises(CheckpointError, match="trust_remote_code: no code of a checkpoint is ever run"):
        _load(folder, trust_remote_code=True)


def _shard_of(folder, name):
    return json.loads((folder / INDEX).read_text())["weight_map"][name]


def _another_shard(folder, name):
    return next(path.name for path in folder.glob("*.safetensors") if path.name != _shard_of(folder, name))


def _set_shard(folder, name, shard):
    _change_json(folder / INDEX, lambda values: values["weight_map"].update({name: shard}))


WRONG_INDEXES = {
    "a missing shard": (
        lambda folder: (folder / _shard_of(folder, NORM)).unlink(),
        r"model-\d+-of-\d+\.safetensors of the index is missing",
    ),
    "a shard outside the folder": (
        lambda folder: _set_shard(folder, NORM, "../tiny/model.safetensors"),
        r"names '\.\./tiny/model\.safetensors'; allowed are files of the folder itself",
    ),
    "a shard at an absolute path": (
        lambda folder: _set_shard(folder, NORM, str(folder / _shard_of(folder, NORM))),
        r"allowed are files of the folder itself",
    ),
    "the folder above": (lambda folder: _set_shard(folder, NORM, ".."), "names '..'; allowed are files"),
    "a tensor in another shard": (
        lambda folder: _set_shard(folder, NORM, _another_shard(folder, NORM)),
        rf"in another shard \(1\): {NORM}",
    ),
    "a tensor that is nowhere": (
        lambda folder: _set_shard(folder, "model.extra", _shard_of(folder, NORM)),
        r"in the index or in a shard alone.* \(1\): model\.extra",
    ),
    "a tensor that is not in the index": (
        lambda folder: _change_json(folder / INDEX, lambda values: values["weight_map"].pop(NORM)),
        rf"in the index or in a shard alone.* \(1\): {NORM}",
    ),
    "a tensor twice": (
        lambda folder: save_file(
            {**load_file(folder / _another_shard(folder, NORM)), NORM: torch.ones(64)},
            folder / _another_shard(folder, NORM),
        ),
        rf"tensor {NORM} is in .* and in ",
    ),
    "no map": (lambda folder: (folder / INDEX).write_text("{}"), "has no weight_map"),
    "a map of numbers": (lambda folder: _set_shard(folder, NORM, 3), "has no weight_map"),
    "no JSON": (lambda folder: (folder / INDEX).write_text("{"), "cannot be read as JSON"),
}


@pytest.mark.parametrize(("change", "message"), WRONG_INDEXES.values(), ids=WRONG_INDEXES)
def test_an_index_that_differs_from_its_shards_is_refused(sharded, change, message):
    change(sharded)
    with pytest.raises(CheckpointError, match=message):
        _load(sharded)
