import json

import pytest

from finetune.errors import CheckpointError
from finetune.modeling import Phi3VisionConfig
from finetune.modeling.checkpoint import read_config
from finetune.modeling.sizes import new_config

SMALL = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 4}
SU = {"type": "su", "short_factor": [1.0] * 8, "long_factor": [2.0] * 8}


def _written(config, folder):
    config.save_pretrained(folder)
    return json.loads((folder / "config.json").read_text())


def test_config_json_is_written_in_the_published_form(tmp_path):
    values = _written(new_config("full"), tmp_path)
    assert values["model_type"] == "phi3_v"
    assert values["architectures"] == ["Phi3VForCausalLM"]
    assert set(values["rope_scaling"]) == {"type", "short_factor", "long_factor"}
    assert values["rope_scaling"]["type"] == "su"
    assert len(values["rope_scaling"]["short_factor"]) == 48
    assert (values["rope_theta"], values["torch_dtype"]) == (10_000.0, "bfloat16")
    assert values["embd_layer"]["hd_transform_order"] == "sub_glb"
    assert values["img_processor"]["name"] == "clip_vision_model"
    # A tower of the published shape goes unsaid, as published.
    assert not values.keys() & {"rope_parameters", "dtype", "vision_config"}


@pytest.mark.parametrize("size", ["tiny", "mini", "full"])
def test_a_configuration_survives_its_file(tmp_path, size):
    config = new_config(size)
    first = _written(config, tmp_path / "first")
    again = read_config(tmp_path / "first")
    assert _written(again, tmp_path / "second") == first
    assert again.vision_config.to_dict() == config.vision_config.to_dict()
    assert again.rope_parameters == config.rope_parameters


def test_part_of_a_vision_config_changes_that_part(tmp_path):
    values = {"model_type": "phi3_v", **SMALL, "rope_scaling": SU, "vision_config": {"num_hidden_layers": 3}}
    (tmp_path / "config.json").write_text(json.dumps(values))
    tower = read_config(tmp_path).vision_config
    assert (tower.num_hidden_layers, tower.hidden_size, tower.hidden_act) == (3, 1024, "quick_gelu")


@pytest.mark.parametrize("name", ["phi3_vision", "phi35_vision"])
def test_the_published_files_are_read_and_written_back(published, tmp_path, name):
    given = json.loads((published / name / "config.json").read_text())
    config = read_config(published / name)
    assert config.rope_parameters["rope_type"] == "longrope"
    assert config.rope_parameters["long_factor"] == given["rope_scaling"]["long_factor"]
    tower = config.vision_config
    assert (tower.hidden_size, tower.num_hidden_layers, tower.image_size) == (1024, 24, 336)
    values = _written(config, tmp_path)
    # The first two say where the file comes from, the third is a wish of its author's machine.
    changing = {"_name_or_path", "transformers_version", "_attn_implementation"}
    kept = {key: value for key, value in given.items() if key not in changing}
    assert {key: values.get(key) for key in kept} == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "has no config.json. Give the folder of a model"),
        ("{", "config.json: cannot be read as JSON"),
        ("[1]", "config.json: holds no JSON object"),
        ('{"hidden_size": 64}', "model_type is None; allowed is 'phi3_v'"),
        ('{"model_type": "llava"}', "model_type is 'llava'; allowed is 'phi3_v'"),
        (
            '{"model_type": "phi3_v", "embd_layer": {"hd_transform_order": "glb_sub"}}',
            "implemented is 'sub_glb'",
        ),
        ('{"model_type": "phi3_v", "embd_layer": {"use_hd_transform": false}}', "use_hd_transform is False"),
        ('{"model_type": "phi3_v", "img_processor": {"num_img_tokens": 1}}', "implemented is 144"),
        ('{"model_type": "phi3_v", "hidden_size": "wide"}', "hidden_size"),
        ('{"model_type": "phi3_v", "vision_config": 3}', "TypeError: 'int' object is not a mapping"),
        ('{"model_type": "phi3_v", "vision_config": {"hidden_size": "wide"}}', "hidden_size"),
        ('{"model_type": "phi3_v", "embd_layer": 3}', "TypeError: 'int' object is not a mapping"),
        ('{"model_type": "phi3_v", "rope_scaling": {"type": "spiral"}}', "spiral"),
        ('{"model_type": "phi3_v", "rope_scaling": 3}', "rope_parameters.*got int"),
        (
            json.dumps({"model_type": "phi3_v", **SMALL, "num_attention_heads": 8, "rope_scaling": SU}),
            "length 4",
        ),
        ('{"model_type": "phi3_v", "num_attention_heads": 0}', "ZeroDivisionError"),
    ],
)
def test_a_config_json_of_another_kind_is_refused(tmp_path, text, message):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        read_config(tmp_path)


def test_keywords_of_another_order_are_refused():
    with pytest.raises(ValueError, match="hd_transform_order is 'glb_sub'"):
        Phi3VisionConfig(**SMALL, rope_scaling=SU, embd_layer={"hd_transform_order": "glb_sub"})
