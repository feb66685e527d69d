import warnings

import pyarrow as pa
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from samplegen.fidelity import utility
from samplegen.fidelity.tables import to_frame

from .rows import make_rows


@pytest.fixture
def tables():
    """Two tables with nearly as many categories as rows."""
    many = {"category2_code": [f"KIND {n}" for n in range(60)]}
    return [to_frame(pa.table(make_rows(60, seed=seed) | many)) for seed in (1, 2)]


def test_many_categories_are_no_reason_to_warn(tables):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert utility.category(*tables)["category_accuracy"].value is not None


def test_a_model_that_did_not_learn_warns(tables, monkeypatch):
    hasty = lambda **options: LogisticRegression(**options | {"max_iter": 1})
    monkeypatch.setattr(utility, "LogisticRegression", hasty)

    with pytest.warns(ConvergenceWarning):
        utility.category(*tables)
