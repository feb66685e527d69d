from dataclasses import replace

import pytest
from PIL import Image

from finetune.answers import parse_answer
from finetune.errors import BadSampleError, DataError
from finetune.evaluation import AnswerCache, judge, picture_gain

from .conftest import FORM


def test_a_batch_answers_as_each_product_alone(ask, products):
    assert ask(products, batch_size=5) == ask(products, batch_size=1)


def test_a_shuffle_shows_each_product_anothers_picture(ask, products):
    own, shuffled = ask(products), ask(products, picture="shuffled", seed=3)

    assert own != shuffled
    assert sorted(own) == sorted(shuffled)


def test_blank_pictures_of_a_size_get_one_answer(ask, products):
    blank = ask(products, picture="blank")

    by_size = {(product.picture.size, text) for product, text in zip(products, blank, strict=True)}
    assert len(by_size) == len({product.picture.size for product in products})


def _gain(products, ask, **options):
    judged = []
    texts = [ask(products, picture=picture, **options) for picture in ("as is", "shuffled", "blank")]
    for written in texts:
        answers = [parse_answer(text, FORM) for text in written]
        judged.append(judge(products, answers, fields=FORM.fields))
    return picture_gain(*judged, same_answers=len({text for run in texts for text in run}) == 1)


def test_the_picture_test_finds_a_model_that_reads(ask, products):
    gain = _gain(products, ask)

    assert gain.reads
    assert gain.shuffled["title_exact"].low > 0


def test_the_picture_test_finds_a_model_whose_pictures_are_cut_off(ask, products, blind_model):
    # It is right about two products in three, without looking at any.
    said = parse_answer(ask(products[:1], other=blind_model)[0], FORM).title
    told = [
        replace(product, fields={"title": said if number % 3 else "Hat"})
        for number, product in enumerate(products)
    ]

    gain = _gain(told, ask, other=blind_model)

    assert not gain.reads
    assert gain.verdict == "This model ignores its pictures: it wrote the same answers whatever the picture."
    assert gain.shuffled["title_exact"].low == gain.shuffled["title_exact"].high == 0


def test_the_picture_test_finds_a_model_that_reads_only_the_size_of_pictures(ask, products, new_model):
    model = new_model()
    tower = model.model.vision_embed_tokens.img_processor
    tower.register_forward_pre_hook(lambda module, crops: (crops[0].new_zeros(crops[0].shape),))
    sized = [
        replace(product, content=product.picture.resize((30, 30 if number % 2 else 70)))
        for number, product in enumerate(products[:10])
    ]
    options = {"other": model, "num_crops": 2}
    told = [
        replace(product, fields={"title": parse_answer(text, FORM).title})
        for product, text in zip(sized, ask(sized, **options), strict=True)
    ]

    gain = _gain(told, ask, **options)

    assert gain.shuffled["title_exact"].low > 0
    assert gain.blank["title_exact"].value == 0
    assert not gain.reads
    assert gain.verdict.startswith("This model ignores what its pictures show")


def test_answers_are_kept_from_run_to_run(ask, products, tmp_path):
    path = tmp_path / "answers.jsonl"
    seen = []
    first = ask(products, cache=AnswerCache(path, model="a"))
    written = path.read_text(encoding="utf-8")

    again = ask(products, cache=AnswerCache(path, model="a"), on_rows=seen.append)

    assert again == first
    assert sum(seen) == len(products)
    assert path.read_text(encoding="utf-8") == written


def test_a_file_of_answers_that_was_cut_off_is_gone_on_with(ask, products, tmp_path):
    path = tmp_path / "answers.jsonl"
    first = ask(products, cache=AnswerCache(path))
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:-20], encoding="utf-8")

    assert ask(products, cache=AnswerCache(path)) == first
    assert ask(products, cache=AnswerCache(path)) == first


def test_the_first_answer_after_a_line_that_was_cut_off_is_kept(tmp_path):
    path = tmp_path / "answers.jsonl"
    AnswerCache(path).put({"a": "Shirt", "b": "Bag"})
    path.write_bytes(path.read_bytes()[:-5])

    AnswerCache(path).put({"c": "Coat"})
    AnswerCache(path).put({"d": "Hat"})

    assert [AnswerCache(path).get(key) for key in "abcd"] == ["Shirt", None, "Coat", "Hat"]


@pytest.mark.parametrize("other", [{"model": "b"}, {"question": ("?", 2, 4)}])
def test_another_model_or_question_has_answers_of_its_own(other):
    picture = Image.new("RGB", (4, 4))
    base, question = AnswerCache(model="a"), ("?", 1, 4)
    changed = AnswerCache(model=other.get("model", "a"))

    assert base.key(picture, *question) != changed.key(picture, *other.get("question", question))
    assert base.key(picture, *question) != base.key(Image.new("RGB", (4, 4), "red"), *question)
    assert base.key(picture, *question) != base.key(Image.new("RGB", (2, 8)), *question)


def test_a_model_that_is_trained_goes_on_training(ask, products, new_model):
    model = new_model().train()

    ask(products[:1], other=model)

    assert model.training


def test_a_picture_that_cannot_be_read_is_named(ask, products):
    bad = replace(products[0], content=b"no picture", key="row 77")

    with pytest.raises(BadSampleError, match="noise, row 77: the picture"):
        ask([bad])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"picture": "upside down"}, "allowed are 'as is', 'shuffled' and 'blank'"),
    ],
)
def test_bad_arguments_are_refused(ask, products, options, message):
    with pytest.raises(DataError, match=message):
        ask(products, **options)


def test_no_products_have_no_answers(ask):
    assert ask([]) == []
