from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.config import SourceConfig, SplitConfig
from finetune.data import open_source, products_of
from finetune.data.splits import rows_of_split, split_of

SPLITS = ("train", "validation", "test")
rules = st.builds(
    SplitConfig,
    validation=st.floats(0, 0.49),
    test=st.floats(0, 0.49),
    seed=st.integers(0, 2**63 - 1),
)


@settings(deadline=None)
@given(one=st.lists(st.text(max_size=4)), other=st.lists(st.text(max_size=4)), rule=rules)
def test_no_style_of_one_source_is_in_another_split_of_any_source(one, other, rule):
    styles = {
        split: {groups[row] for groups in (one, other) for row in rows_of_split(groups, split, rule)}
        for split in SPLITS
    }

    assert styles["train"].isdisjoint(styles["validation"] | styles["test"])
    assert styles["validation"].isdisjoint(styles["test"])


@settings(deadline=None)
@given(groups=st.lists(st.text(max_size=4)), rule=rules)
def test_every_row_is_in_one_split(groups, rule):
    rows = [row for split in SPLITS for row in rows_of_split(groups, split, rule).tolist()]

    assert sorted(rows) == list(range(len(groups)))


@settings(deadline=None)
@given(title=st.text(), rule=rules)
def test_spelling_does_not_move_a_style(title, rule):
    assert split_of(f"  {title.replace(' ', '   ')} ", rule) == split_of(title, rule)


def test_letter_case_and_width_do_not_move_a_style():
    rules = [SplitConfig(validation=0.3, test=0.3, seed=seed) for seed in range(50)]

    assert all(split_of("Check SHIRT", rule) == split_of("\uff23heck shirt", rule) for rule in rules)


def test_shares_are_met():
    rule = SplitConfig(validation=0.1, test=0.2)
    found = [split_of(f"style {number}", rule) for number in range(20_000)]

    assert abs(found.count("validation") / 20_000 - 0.1) < 0.01
    assert abs(found.count("test") / 20_000 - 0.2) < 0.01


def test_test_products_stay_when_another_share_is_validated_on():
    groups = [f"style {number}" for number in range(200)]
    few, many = SplitConfig(validation=0.1, test=0.2), SplitConfig(validation=0.4, test=0.2)

    assert rows_of_split(groups, "test", few).tolist() == rows_of_split(groups, "test", many).tolist()


def test_equal_pictures_without_titles_are_in_one_split(tmp_path, noise):
    for folder in ("one", "other"):
        (tmp_path / folder / "hat").mkdir(parents=True)
        for number in range(40):
            noise(8, 8, seed=number).save(tmp_path / folder / "hat" / f"{folder} {number}.png")
    rule = SplitConfig(validation=0.3, test=0.3)
    found = {
        split: [
            {
                product.picture.tobytes()
                for product in products_of(
                    open_source(
                        SourceConfig(name=folder, path=str(tmp_path / folder)),
                        split=split,
                        rule=rule,
                        needs=("category",),
                    )
                )
            }
            for folder in ("one", "other")
        ]
        for split in SPLITS
    }

    assert all(one == other for one, other in found.values())
    assert sum(len(one) for one, _ in found.values()) == 40


def test_a_named_group_decides_in_place_of_the_title(tmp_path):
    lines = [f"a.png,Title {number},line {number % 3}" for number in range(60)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,title,line", *lines]))
    from finetune.config import Columns

    config = SourceConfig(name="real", path=str(tmp_path), columns=Columns(group="line"))
    rule = SplitConfig(validation=0.4, test=0.3, seed=1)
    lines_of = [
        {
            product.group
            for product in products_of(open_source(config, split=split, rule=rule, needs=("title",)))
        }
        for split in SPLITS
        if any(split_of(f"line {number}", rule) == split for number in range(3))
    ]

    assert sorted(line for lines in lines_of for line in lines) == ["line 0", "line 1", "line 2"]
