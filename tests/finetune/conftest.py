"""A two-layer model, its tokenizer and pictures of noise: all made by code, nothing downloaded."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from finetune.data import Phi3VisionProcessor
from finetune.data.tokenizer import build_tokenizer
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.sizes import new_config

TEXTS = ["Check Cotton Shirt, Category: SHIRTS, Full Price: 1290.0", "What is shown?", "Compare the two."]


@pytest.fixture(scope="session")
def published():
    """Folder of the published files and of what the published code computes; in no repository."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "phi3v"
    if not folder.is_dir():
        pytest.skip("the published files (../shared/phi3v beside the repository) are not here")
    return folder


@pytest.fixture(scope="session")
def new_model():
    """Make a tiny model; keywords change its configuration. Its weights are far from equal, so that mistakes show."""

    def make(**changes):
        config = new_config("tiny")
        for name, value in changes.items():
            setattr(config, name, value)
        generator = torch.Generator().manual_seed(7)
        model = Phi3VisionForCausalLM(config).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                norm = parameter.ndim == 1 and name.endswith("weight")
                matrix = parameter.ndim > 1 and name.endswith("weight") and "embed_tokens.weight" not in name
                scale = parameter[0].numel() ** -0.5 if matrix else 0.2 if parameter.ndim == 1 else 1.0
                parameter.normal_(mean=float(norm), std=scale, generator=generator)
        return model

    return make


@pytest.fixture(scope="session")
def model(new_model):
    """The tiny model, on which no test may change a thing."""
    return new_model()


@pytest.fixture(scope="session")
def tokenizer():
    return build_tokenizer(TEXTS, words=400)


@pytest.fixture(scope="session")
def processor(tokenizer):
    return Phi3VisionProcessor(tokenizer, num_crops=2)


@pytest.fixture(scope="session")
def model_folder(model, processor, tmp_path_factory):
    """The tiny model and its processor, saved."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def noise():
    """Make a picture of coloured noise."""

    def make(width, height, seed=0):
        pixels = np.random.default_rng([width, height, seed]).integers(0, 256, (height, width, 3), np.uint8)
        return Image.fromarray(pixels)

    return make
