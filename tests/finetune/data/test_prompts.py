import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.prompts import number_pictures, split_prompt
from finetune.errors import ProcessingError


def test_a_prompt_is_cut_at_its_pictures():
    assert split_prompt("<|user|>\n<|image_1|>\n<|image_2|>What?") == (["<|user|>\n", "\n", "What?"], [1, 2])


def test_pictures_may_come_in_any_order_and_again():
    assert split_prompt("<|image_2|>a<|image_1|>b<|image_2|>") == (["", "a", "b", ""], [2, 1, 2])


@pytest.mark.parametrize("prompt", ["", "Hi", "<|image|>", "<|image_a|>", "<|image_-1|>", "<|image_1 |>"])
def test_other_text_holds_no_picture(prompt):
    assert split_prompt(prompt) == ([prompt], [])


@pytest.mark.parametrize(
    ("prompt", "numbers"),
    [
        ("<|image_0|>", r"\[0\]"),
        ("<|image_0|><|image_1|>", r"\[0, 1\]"),
        ("<|image_2|>", r"\[2\]"),
        ("<|image_1|><|image_3|>", r"\[1, 3\]"),
        ("<|image_999999999999|>", r"\[999999999999\]"),
    ],
)
def test_numbers_with_gaps_are_refused(prompt, numbers):
    with pytest.raises(
        ProcessingError, match=rf"names pictures {numbers}; number them from 1 on without gaps"
    ):
        split_prompt(prompt)


@given(order=st.lists(st.integers(1, 4), max_size=6), texts=st.lists(st.text(), min_size=7, max_size=7))
def test_a_prompt_is_its_parts_joined(order, texts):
    order = [sorted(set(order)).index(number) + 1 for number in order]
    texts = [text.replace("<|image_", "") for text in texts[: len(order) + 1]]
    joined = texts[0] + "".join(f"<|image_{k}|>{text}" for k, text in zip(order, texts[1:], strict=True))
    assert split_prompt(joined) == (texts, order)


def test_image_parts_are_numbered_through_the_conversation():
    conversation = [
        {"role": "user", "content": [{"type": "image", "image": "a"}, {"type": "text", "text": "What?"}]},
        {"role": "assistant", "content": "A shirt."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "And "}, {"type": "image"}, {"type": "image", "image": "b"}],
        },
    ]
    messages, pictures = number_pictures(conversation)
    assert [message["content"] for message in messages] == [
        "<|image_1|>\nWhat?",
        "A shirt.",
        "And <|image_2|>\n<|image_3|>\n",
    ]
    assert pictures == ["a", "b"]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Hi", "found the message 'Hi'; each needs a role and content"),
        ({"content": "Hi"}, "each needs a role and content"),
        ({"role": "user"}, "each needs a role and content"),
        (
            {"role": "user", "content": [{"type": "video"}]},
            "part of type 'video'; allowed are text and image",
        ),
        ({"role": "user", "content": [{"text": "Hi"}]}, "part of type None"),
        ({"role": "user", "content": ["Hi"]}, "part of type 'str'; allowed are text and image"),
        ({"role": "user", "content": [{"type": "text"}]}, "one of type text needs its text"),
        ({"role": "user", "content": None}, "found the content None; give a string, or a list"),
        ({"role": "user", "content": 3}, "found the content 3"),
    ],
)
def test_messages_of_another_form_are_refused(message, error):
    with pytest.raises(ProcessingError, match=error):
        number_pictures([message])


@pytest.mark.parametrize(
    ("conversation", "message"),
    [
        ([], "the conversation is empty"),
        ([{"role": None, "content": "Hi"}], "each needs a role and content"),
        (
            [{"role": "user", "content": "<|image_1|>"}, {"role": "user", "content": [{"type": "image"}]}],
            "number all",
        ),
        (
            [{"role": "user", "content": [{"type": "image", "url": "https://x.example/a.jpg"}]}],
            "is a URL; nothing",
        ),
    ],
)
def test_conversations_whose_pictures_cannot_be_told_are_refused(conversation, message):
    with pytest.raises(ProcessingError, match=message):
        number_pictures(conversation)
