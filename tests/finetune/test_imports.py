import subprocess
import sys

import pytest

import finetune

HEAVY = ["torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"]


def _loaded(code):
    """Run code in a new interpreter; give those heavy modules that it loads."""
    shown = f"{code}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", shown], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        "import samplegen",
        "import samplegen.cli",
        "import finetune.cli",
        "import finetune; dir(finetune)",
        "from finetune import FinetuneError",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code):
    assert _loaded(code) == "[]"


@pytest.mark.parametrize("name", finetune.__all__)
def test_public_names_are_there(name):
    assert getattr(finetune, name).__name__ == name
    assert name in dir(finetune)


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="module 'finetune' has no attribute 'Phi4'"):
        _ = finetune.Phi4
