"""What the published code computes on tiny weights, and the rules by which weights and pictures are made.

The numbers come from the published code of both models on transformers 4.43.4, float32, eager attention, CPU.
"""

import math
import zlib

import numpy as np
import torch
from PIL import Image

from finetune.modeling import Phi3VisionConfig, Phi3VisionForCausalLM

SALT = 1
FACTORS = {
    "phi3_vision": {
        "short_factor": [
            1.05,
            1.2500000000000002,
            1.9000000000000008,
            *([2.000000000000001] * 3),
            2.3499999999999996,
            2.6999999999999984,
        ],
        "long_factor": [
            1.0299999713897705,
            1.2999999523162842,
            3.68999981880188,
            15.65999984741211,
            30.009998321533203,
            56.20000457763672,
            61.96000671386719,
            63.850006103515625,
        ],
    },
    "phi35_vision": {
        "short_factor": [
            1.08,
            1.4500000000000004,
            3.729999999999965,
            5.159999999999934,
            6.089999999999915,
            7.179999999999891,
            7.879999999999876,
            8.19999999999987,
        ],
        "long_factor": [
            1.0800000429153442,
            1.6200000047683716,
            7.700000286102295,
            30.420001983642578,
            50.340003967285156,
            62.61000442504883,
            63.93000411987305,
            64.12000274658203,
        ],
    },
}
TEXT = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "vocab_size": 32064,
    "max_position_embeddings": 131072,
    "original_max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
}
VISION = {"intermediate_size": 64, "num_hidden_layers": 3}

# The project's own prompt with one picture of 512 x 512 px (number 4) in one crop.
QUESTION = [1, 1724, 338, 4318, 297, 445, 1967, 29973, 32007, 32001]
ANSWER = [
    10969,
    29901,
    5399,
    399,
    1507,
    3164,
    355,
    9160,
    11163,
    29892,
    17943,
    29901,
    476,
    29940,
    1806,
    8851,
    1718,
]
PRICE = [29892, 14846, 20743, 29901, 29871, 29896, 29906, 29929, 29900, 29889, 29900, 32007]
INPUT_IDS = [1, 32010, 29871, 13, *[-1] * 313, *QUESTION, *ANSWER, *PRICE]
POSITIONS = [108, 231, 355]
EMBEDDED = (
    [0, 21, 63],
    [[-1.628092, 0.627265, 0.199202], [-0.931817, -1.163712, 0.628333], [0.075158, 0.307518, 1.60094]],
)
"""Columns, and their values at `POSITIONS`; the first two are of the picture. Both models have the same."""
TOKENS = [0, 8000, 16000, 32000]
LOGITS = {
    "phi3_vision": [
        [-0.818583, 0.092841, -0.520351, -0.167037],
        [-0.725859, -0.174081, -0.637112, 0.013067],
        [-0.540402, -0.676709, -0.020376, 0.439464],
    ],
    "phi35_vision": [
        [-0.661899, 0.235335, -0.701724, -0.086715],
        [-0.774081, -0.048353, -0.768084, 0.485391],
        [-0.655315, -0.706943, 0.088234, 0.519973],
    ],
}
"""Logits of `TOKENS` at `POSITIONS`."""
LOSS = {"phi3_vision": 10.861207008361816, "phi35_vision": 10.873883247375488}
"""Labels are the token ids, pictures left out."""
PIXELS = {
    105839: 1.9303361177444458,
    264599: -0.811876654624939,
    463049: -0.7765921354293823,
    661499: -1.1389381885528564,
    846719: 2.0748836994171143,
    1322999: 1.2358129024505615,
    1521449: 0.0,
}
"""Values at places of the flattened ``pixel_values`` of picture 1 at 300 x 1000 px in 4 crops; one is padding."""


def new_model(name, *, attention="eager"):
    """Make the tiny model of either kind, its weights filled by the rule."""
    config = Phi3VisionConfig(**TEXT, rope_scaling={"type": "su", **FACTORS[name]}, vision_config=VISION)
    config._attn_implementation = attention
    model = Phi3VisionForCausalLM(config).eval()
    with torch.no_grad():
        for key, parameter in model.state_dict().items():
            parameter.copy_(torch.from_numpy(weights(key, tuple(parameter.shape))))
    return model


def weights(key, shape):
    """Fill a tensor from its name in the checkpoint: Philox's raw integers as fractions of [-1, 1), then scaled."""
    stream = np.random.Philox(key=zlib.crc32(key.encode()) + (SALT << 32))
    mantissas = stream.random_raw(math.prod(shape)) >> 11
    values = (mantissas.astype(np.float64) * 2.0**-52 - 1).reshape(shape)
    if "norm" in key and key.endswith("weight"):
        values = 1 + 0.17 * values
    elif key.endswith("bias"):
        values = 0.085 * values
    elif key.endswith(("embed_tokens.weight", "glb_GN", "sub_GN", "class_embedding")):
        values = 1.7 * values
    else:
        inputs = math.prod(shape[1:]) if len(shape) == 4 else shape[-1]
        values = 1.7 * values / math.sqrt(inputs)
    return values.astype(np.float32)


def draw_picture(width, height, number):
    """Draw ramps along both sides and a chequered blue: integers alone, the same everywhere."""
    x, y = np.arange(width), np.arange(height)[:, None]
    red = x * 255 // max(width - 1, 1) + 31 * number + 0 * y
    green = y * 255 // max(height - 1, 1) + 57 * number + 0 * x
    blue = 180 * ((x // (7 + number) + y // (11 + number)) % 2) + x * y // 97 % 60
    return Image.fromarray(np.stack([red, green, blue], axis=-1).astype(np.uint8))
