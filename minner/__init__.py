"""Named entity recognition with hand-written CPU kernels: text in, entities out.

Example::

    import minner

    ner = minner.load()
    ner("My name is John Smith.")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from minner.entity import Entity
from minner.errors import MinnerError, MinnerWarning

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from typing import NoReturn

    from minner.tagger import Tagger

__all__ = ["Entity", "MinnerError", "MinnerWarning", "load"]
__version__ = "0.1.0"


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    tokenizer: str | os.PathLike[str] | None = None,
    precision: str = "float32",
    threads: int | None = None,
    lowercase: bool | None = None,
    decoder: str = "conlleval",
    word_strategy: str = "first",
    labels: Iterable[str] | None = None,
    ignore_labels: Iterable[str] = (),
    label_map: Mapping[str, str] | None = None,
    min_score: float = 0.0,
    on_long: str = "window",
    offsets: str = "codepoints",
    inclusive_ends: bool = False,
    **misspelt: NoReturn,
) -> Tagger:
    """Load a token classifier of BERT, DistilBERT, RoBERTa, XLM-R, CamemBERT or ELECTRA.

    Args:
        model: a directory in Hugging Face layout, or a Hugging Face repo id; the embedded model
            where it is None.
        tokenizer: a directory or repo id whose tokenizer is used; the model's own where it is None.
        precision: of weights and products: `float32`, `bfloat16` or `int8`. Embeddings, norms,
            softmax and classifier stay float32. A CPU without the instructions for it is slower,
            not wrong; a MinnerWarning says so.
        threads: how many cores to use, at least 1; all that are available where it is None.
        lowercase: overrides what the checkpoint's files say about lowercasing text.
        decoder: the rule that joins tagged words into entities. `conlleval` lets a stray `I-` open
            an entity, as Hugging Face pipelines and seqeval do; `iob2`, and `iobes` or `bilou` for
            models with such labels, drop what is ill-formed, as seqeval's strict mode does;
            `viterbi` chooses the most probable well-formed tags (`viterbi-iob1`: for a model that
            writes IOB1); `sparknlp` joins as its NerConverter does.
        word_strategy: the wordpieces of a word that its tag comes from: the `first`, the `average`
            of all, or the surest one, `max`.
        labels: keep only entities with these labels.
        ignore_labels: drop entities with these labels.
        label_map: new names for labels, such as `{"PERSON": "PER"}`; `labels` and `ignore_labels`
            use the new ones.
        min_score: drop entities with a lower score, 0 to 1.
        on_long: what becomes of a text that is longer than the model's positions: `window` reads
            all of it, `error` raises MinnerError, `truncate` reads the beginning and warns.
        offsets: the unit of `start` and `end`: `codepoints`, `utf8` (bytes) or `utf16` (units).
        inclusive_ends: whether `end` is the last unit of an entity instead of the next after it.
        misspelt: refused, with the name of the nearest option.

    Raises:
        MinnerError: the model cannot be found, read or run, or there is no such option; the
            message says what to do.
    """
    # Imported here: `import minner` alone takes milliseconds.
    tagger: type[Tagger] = import_module("minner.tagger").Tagger
    return tagger(
        model,
        tokenizer=tokenizer,
        precision=precision,
        threads=threads,
        lowercase=lowercase,
        decoder=decoder,
        word_strategy=word_strategy,
        labels=labels,
        ignore_labels=ignore_labels,
        label_map=label_map,
        min_score=min_score,
        on_long=on_long,
        offsets=offsets,
        inclusive_ends=inclusive_ends,
        **misspelt,
    )
