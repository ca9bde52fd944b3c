"""What must hold on CoNLL-2003 itself, which is read from ../shared and never copied here."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from minner import reference
from minner.compat import pipeline
from minner.decoding.chunks import to_iob2
from minner.scoring.conll import read_conll
from minner.scoring.numbers import card_numbers
from minner.text.wordpieces import encode_words
from test_huggingface import STRATEGIES, assert_same
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
    vocabulary, checkpoint = embedded.vocabulary, embedded._checkpoint
    ids = [
        embedded._reader.input_ids(encode_words(sentence.words, vocabulary).ids)
        for sentence in read_conll(FILES / "eng.testb")
    ]
    expected = transformers_logits(checkpoint.directory, ids)
    assert_close(embedded.logits(ids), expected, 2e-5)
    model, config = reference.nested(checkpoint.tensors), checkpoint.config
    slow = [reference.token_logits(one, model, config.n_heads, config.activation) for one in ids]
    assert_close(slow, expected, 2e-5)
    worst = max(np.abs(a - b).max() for a, b in zip(embedded.logits(ids), expected, strict=True))
    print(f"largest difference of a logit: {worst:.1e}")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("count", "sentences_per_text", "stride"),
    [
        pytest.param(None, 1, None, id="each sentence"),
        pytest.param(1000, 50, 64, id="texts of several windows"),
    ],
)
def test_pipeline_equals_that_of_transformers(embedded, count, sentences_per_text, stride):
    """Entity for entity, for the five strategies; both refuse a stride without one."""
    transformers = pytest.importorskip("transformers")
    directory = embedded._checkpoint.directory
    theirs = transformers.pipeline("ner", model=str(directory), device="cpu")
    words = [
        " ".join(sentence.words) for sentence in islice(read_conll(FILES / "eng.testb"), count)
    ]
    texts = [
        " ".join(words[i : i + sentences_per_text])
        for i in range(0, len(words), sentences_per_text)
    ]
    options, _, _ = theirs._sanitize_parameters(stride=stride)
    # One forward pass of transformers serves all strategies.
    outputs = [
        [theirs.forward(inputs) for inputs in theirs.preprocess(text, **options)] for text in texts
    ]
    for strategy in STRATEGIES[stride is not None :]:
        settings = theirs._sanitize_parameters(aggregation_strategy=strategy)[2]
        expected = [theirs.postprocess(windows, **settings) for windows in outputs]
        found = pipeline("ner", embedded, aggregation_strategy=strategy, stride=stride)(texts)
        assert_same(found, expected)
        scores = [
            abs(a["score"] - b["score"])
            for ours, others in zip(found, expected, strict=True)
            for a, b in zip(ours, others, strict=True)
        ]
        print(f"{strategy}: {len(scores)} entities, scores within {max(scores):.1e}")
