"""What must hold on CoNLL-2003 itself, which is read from ../shared and never copied here."""

from pathlib import Path

import numpy as np
import pytest

from minner import reference
from minner.chunks import to_iob2
from minner.conll import read_conll
from minner.pieces import encode_words
from minner.scoring.numbers import card_numbers
from test_parity import assert_close, transformers_logits

FILES = Path(__file__).parents[2] / "shared" / "data" / "conll2003"

pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="needs CoNLL-2003 in ../shared/data")


@pytest.fixture(scope="module", params=["eng.testa", "eng.testb"])
def split(request):
    return request.param, list(read_conll(FILES / request.param))


def test_f1_of_the_embedded_model(embedded, split):
    name, sentences = split
    gold = [to_iob2(sentence.tags) for sentence in sentences]
    guess = embedded.tag([sentence.words for sentence in sentences])
    f1 = card_numbers(gold, guess)["phrases"]["f1"]
    assert f1 >= {"eng.testa": 0.932, "eng.testb": 0.888}[name]


@pytest.mark.filterwarnings("default")
def test_logits_of_all_test_sentences_equal_transformers(embedded):
    """Kernels and reference, within 2e-5, with identical tags."""
    pytest.importorskip("transformers")
    vocabulary, checkpoint = embedded._vocabulary, embedded._checkpoint
    ids = [
        embedded._with_special_tokens(encode_words(sentence.words, vocabulary).ids)
        for sentence in read_conll(FILES / "eng.testb")
    ]
    expected = transformers_logits(checkpoint.directory, ids)
    assert_close(embedded.logits(ids), expected, 2e-5)
    model, config = reference.nested(checkpoint.tensors), checkpoint.config
    slow = [reference.token_logits(one, model, config.n_heads, config.activation) for one in ids]
    assert_close(slow, expected, 2e-5)
    worst = max(np.abs(a - b).max() for a, b in zip(embedded.logits(ids), expected, strict=True))
    print(f"largest difference of a logit: {worst:.1e}")
