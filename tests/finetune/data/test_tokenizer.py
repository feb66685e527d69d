import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from finetune.data.tokenizer import build_tokenizer, load_tokenizer, save_tokenizer
from finetune.errors import CheckpointError

# As in the published tokenizer_config.json.
IDS = {
    "<unk>": 0,
    "<s>": 1,
    "</s>": 2,
    "<0x00>": 3,
    "<0xFF>": 258,
    "<|endoftext|>": 32000,
    "<|assistant|>": 32001,
    "<|system|>": 32006,
    "<|end|>": 32007,
    "<|user|>": 32010,
    "<|image|>": 32044,
}

texts = st.text().filter(lambda text: not {"<", "\u2581"} & set(text))
"""Text without beginnings of special tokens, and without the sign that the tokenizer writes for a space."""


def test_special_tokens_stand_at_phi_3s_places(tokenizer):
    assert {name: tokenizer.convert_tokens_to_ids(name) for name in IDS} == IDS
    assert len(tokenizer) == 32045
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 32000, 32000)


@pytest.mark.parametrize("name", [name for name in IDS if "|" in name])
def test_a_special_token_in_text_is_one_id(tokenizer, name):
    assert tokenizer(f"a{name}b", add_special_tokens=False).input_ids.count(IDS[name]) == 1


def test_assistant_swallows_the_line_break_after_it(tokenizer):
    assert tokenizer("<|end|><|assistant|>\n").input_ids == [1, 32007, 32001]
    assert len(tokenizer("<|assistant|><|end|>\n").input_ids) > 3


def test_special_tokens_are_those_of_the_published_tokenizer(tokenizer, published):
    expected = load_tokenizer(published / "phi3_vision").get_added_vocab()
    assert {
        name: tokenizer.convert_tokens_to_ids(name) for name in expected if "placeholder" not in name
    } == {name: number for name, number in expected.items() if "placeholder" not in name}


def test_special_tokens_take_in_the_space_that_published_ones_do(tokenizer, published):
    expected = load_tokenizer(published / "phi3_vision").added_tokens_decoder
    found = tokenizer.added_tokens_decoder
    places = [IDS[name] for name in IDS if "|" in name]
    strips = {place: (expected[place].lstrip, expected[place].rstrip) for place in places}
    assert {place: (found[place].lstrip, found[place].rstrip) for place in places} == strips


def test_same_texts_give_the_same_files(tmp_path):
    texts = ["Check Cotton Shirt", "Leather Belt", "Full Price: 1290.0"]
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        save_tokenizer(build_tokenizer(texts, words=300), folder)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert {"tokenizer.json", "tokenizer_config.json"} <= set(files)
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_a_tokenizer_survives_its_files(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path)
    again = load_tokenizer(tmp_path)
    text = "<|user|>\nCheck \N{SNOWMAN} Shirt<|end|>\n<|assistant|>\n"
    assert again(text).input_ids == tokenizer(text).input_ids
    messages = [{"role": "user", "content": "Hi"}]
    assert again.apply_chat_template(messages, tokenize=False) == "<|user|>\nHi<|end|>\n"
    assert again.padding_side == "right"


def test_words_of_the_texts_are_learned(tokenizer):
    shirt = tokenizer("Cotton Shirt", add_special_tokens=False).input_ids
    assert len(shirt) < len("Cotton Shirt") / 2
    assert max(shirt) < 400


def test_unseen_characters_fall_back_on_bytes(tokenizer):
    ids = tokenizer("\N{SNOWMAN}", add_special_tokens=False).input_ids
    assert ids[-3:] == [3 + byte for byte in "\N{SNOWMAN}".encode()]
    assert 0 not in ids


@given(text=texts)
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text


@given(text=texts)
def test_published_tokenizers_give_any_text_back(published_tokenizer, text):
    ids = published_tokenizer(text, add_special_tokens=False).input_ids
    assert published_tokenizer.decode(ids) == text


@pytest.fixture(scope="session")
def published_tokenizer(published) -> PreTrainedTokenizerFast:
    return load_tokenizer(published / "phi35_vision")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "has no tokenizer.json"), ("{", "tokenizer.json: cannot be read"), ("{}", "cannot be read")],
)
def test_a_folder_without_a_tokenizer_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match=message):
        load_tokenizer(tmp_path)
