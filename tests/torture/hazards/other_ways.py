"""Texts of odd characters, by the rules of Hugging Face, Spark NLP and for words."""

from __future__ import annotations

from pathlib import Path
from random import Random

from texts import ODD, PLAIN, mixture, mutate_text

import minner
from checkpoints import write_checkpoint
from minner.compat import pipeline
from minner.sparknlp import LightPipeline
from minner.tagger import Tagger

PROVOKED = "mixed texts through `pipeline`, all strategies, `LightPipeline`, `tag` and `document`"
QUICK, LONG = 200, 50_000

STRATEGIES = ("none", "simple", "first", "average", "max")


def prepare(workshop: Path) -> Tagger:
    """A random model of 32 positions."""
    return minner.load(write_checkpoint(workshop / "model", max_positions=32), threads=1)


def trial(random: Random, ner: Tagger) -> None:
    """One text, one way."""
    text = mutate_text(random, mixture(random))
    way = random.randrange(4)
    if way == 0:
        _like_hugging_face(random, ner, text)
    elif way == 1:
        [annotations] = LightPipeline(ner).fullAnnotate([text])
        for annotation in annotations["token"]:
            assert 0 <= annotation["begin"] <= annotation["end"] < 2 * len(text)
    elif way == 2:
        words = random.choices((*ODD, *PLAIN[0].split(), "", " "), k=random.randint(0, 60))
        tags = ner.tag(words)
        assert len(tags) == len(words)
        assert set(tags) <= {"O", *ner.labels}
    else:
        document = ner.document(text)
        assert len(document.words) == len(document.tags) == len(document.probabilities)
        starts = [start for start, _ in document.words]
        assert starts == sorted(set(starts))


def _like_hugging_face(random: Random, ner: Tagger, text: str) -> None:
    strategy = random.choice(STRATEGIES)
    found = pipeline("ner", ner, aggregation_strategy=strategy)(text)
    for entity in found:
        assert 0 <= entity["start"] <= entity["end"] <= len(text), (strategy, entity)
        assert 0.0 <= float(entity["score"]) <= 1.0, (strategy, entity)
