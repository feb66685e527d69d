import hashlib

import pytest

from samplegen.pipeline import Recipe


@pytest.fixture(scope="session")
def recipe(tiny_pack):
    """300 rows: five shards with both splits."""
    return Recipe(rows=300, seed=1, template=tiny_pack, image_size=64)


@pytest.fixture(scope="session")
def digests():
    def read(root):
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    return read
