import pytest

from finetune.bench import Plan, measure_training
from finetune.errors import FinetuneError


@pytest.mark.parametrize("method", ["lora", "full"])
def test_packs_are_measured_beside_the_plain_way(method):
    notes = []
    plan = Plan(
        size="tiny", method=method, device="cpu", crops=(1,), batches=(2,), compiled=False, warm_up=0, timed=1
    )

    cases = measure_training(plan, on_note=notes.append)

    assert [(case.way, case.crops, case.batch) for case in cases] == [("plain", 1, 1), ("packed", 1, 2)]
    assert all(case.samples > 0 and case.tokens == case.samples * (313 + 64) for case in cases)
    assert any("trained parameters" in note for note in notes)


def test_cases_past_the_time_limit_are_left_out_and_named():
    notes = []

    cases = measure_training(
        Plan(
            size="tiny",
            device="cpu",
            crops=(1,),
            batches=(1,),
            compiled=False,
            warm_up=0,
            timed=1,
            time_limit=0.0,
        ),
        on_note=notes.append,
    )

    assert [case.way for case in cases] == ["plain"]
    assert any("the time limit is reached" in note for note in notes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": "huge"}, "size is 'huge'; allowed are tiny, mini, full"),
        ({"method": "half"}, "method is 'half'; allowed are lora, full"),
        ({"crops": (2,)}, "allowed are 1, 4, 9 and 16"),
        ({"batches": (0,)}, "allowed are whole numbers from 1 on"),
    ],
)
def test_what_cannot_be_measured_is_refused(changes, message):
    with pytest.raises(FinetuneError, match=message):
        measure_training(Plan(device="cpu", **{"size": "tiny", **changes}))
