import math

import pytest
import torch


def _expected(positions, factors):
    """The published formula: stretched frequencies; cosine and sine scaled for 32 times the context."""
    scale = math.sqrt(1 + math.log(32) / math.log(4096))
    exponents = torch.arange(len(factors), dtype=torch.float64) / len(factors)
    angles = positions[:, None] / (torch.tensor(factors, dtype=torch.float64) * 10_000**exponents)
    both = torch.cat([angles, angles], dim=-1)
    return torch.stack([both.cos(), both.sin()]) * scale


@pytest.mark.parametrize("side", ["alone", "beside a long row"])
def test_each_row_takes_the_factors_of_its_own_length(model, side):
    short, long = torch.arange(4096), torch.arange(4096) + 1
    rows = {"alone": [short], "beside a long row": [short, long]}[side]
    turns = torch.stack(model.model.rotary_emb(torch.zeros(1), torch.stack(rows)), dim=1)
    factors = model.config.rope_parameters
    expected = [_expected(short, factors["short_factor"]), _expected(long, factors["long_factor"])][
        : len(rows)
    ]
    torch.testing.assert_close(turns.double(), torch.stack(expected), atol=1e-3, rtol=0)
