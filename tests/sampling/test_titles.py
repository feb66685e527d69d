from itertools import pairwise

from samplegen.sampling.lexicon import TitleReader
from samplegen.sampling.titles import TitleGrammar


def test_a_title_is_read_longest_phrase_first(burberry):
    reading = TitleReader(burberry.lexicon).read("Check and Grainy Leather Zip Card Case")
    assert (reading.pattern, reading.materials, reading.variants) == (
        "check",
        ["grained_leather"],
        {"closure": "zip"},
    )


def test_trim_details_do_not_become_the_pattern(burberry):
    assert TitleReader(burberry.lexicon).read("Check Trim Cotton T-shirt").pattern is None


def test_a_shade_decides_the_main_colour(burberry):
    title = "Burberry Kisses \N{EN DASH} Military Red No.109"
    reading = TitleReader(burberry.lexicon).read(title)
    assert reading.colour == ("Military Red", (168, 22, 36))


def test_title_numbers_give_each_title_of_a_form_once(starter):
    grammar = TitleGrammar(starter)
    total = grammar._first[-1]
    texts = [grammar.title(number).text for number in range(total)]
    assert len(set(texts)) == total
    assert all("{" not in text and "  " not in text for text in texts)


def test_the_same_words_are_said_once(burberry):
    grammar = TitleGrammar(burberry)
    for number in range(0, grammar._first[-1], grammar._first[-1] // 5_000):
        words = grammar.title(number).text.split()
        assert all(first != second for first, second in pairwise(words))
