from pathlib import Path

import pytest

from samplegen.sampling import Sampler
from samplegen.templates import Template, load_template


@pytest.fixture(scope="session")
def burberry() -> Template:
    return load_template("burberry")


@pytest.fixture(scope="session")
def starter() -> Template:
    return load_template("starter")


@pytest.fixture(scope="session")
def tiny(tiny_pack: str) -> Template:
    return load_template(Path(tiny_pack))


@pytest.fixture(scope="session")
def sampler(starter: Template) -> Sampler:
    return Sampler(starter, seed=5)
