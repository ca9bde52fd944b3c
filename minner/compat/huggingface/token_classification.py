"""The token classification pipeline of Hugging Face transformers, without transformers.

`pipeline` gives what `transformers.pipeline("token-classification")` of version 5.24 gives: the
same keys, types, order and values. It is louder in one place: where a text is cut, because it is
longer than the model's positions and no `stride` was asked for, a MinnerWarning says so.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from minner.compat.huggingface.aggregation import (
    AggregationStrategy,
    Entities,
    aggregate,
    merge_windows,
)
from minner.compat.huggingface.arguments import check_config, hub_options
from minner.compat.huggingface.documents import (
    as_batch,
    as_mappings,
    checked_mapping,
    gather,
    iterate,
    read,
    warn_of_words,
    window_inputs,
    window_slices,
)
from minner.compat.huggingface.loading import load
from minner.compat.huggingface.model import joiner
from minner.compat.huggingface.options import OPTIONS, Options, strategy_of
from minner.decoding.softmax import softmax
from minner.errors import MinnerError
from minner.options import refuse_unknown
from minner.streams import TEXTS_PER_BATCH, batches, checked_size
from minner.tagger import Tagger

TASKS = ("token-classification", "ner")

_OTHERS = ("model", "tokenizer", "config", "batch_size", "is_split_into_words")
"""Arguments of a pipeline that a call does not have, or not with the same meaning."""


def pipeline(
    task: str = "token-classification",
    model: str | os.PathLike[str] | Tagger | Any = None,
    *,
    pipeline_class: type[TokenClassificationPipeline] | None = None,
    **arguments: Any,
) -> TokenClassificationPipeline:
    """Make a pipeline that takes the place of the one from transformers.

    Args:
        task: `token-classification`, or its other name `ner`.
        model: as for `TokenClassificationPipeline`.
        pipeline_class: a class to make instead of `TokenClassificationPipeline`, derived from it.
        arguments: those of `TokenClassificationPipeline`.

    Raises:
        MinnerError: an argument is none of these, or the model cannot be loaded.
    """
    if task not in TASKS:
        raise MinnerError(f"the task must be one of {', '.join(TASKS)}, not {task!r}")
    kind = pipeline_class or TokenClassificationPipeline
    if not isinstance(kind, type) or not issubclass(kind, TokenClassificationPipeline):
        raise MinnerError(
            f"pipeline_class must be derived from TokenClassificationPipeline, not {kind!r}"
        )
    return kind(model=model, task=task, **arguments)


class TokenClassificationPipeline:
    """Finds the entities of texts as transformers does; `minner.compat.pipeline` makes one.

    A class derived from it may override `preprocess` and `postprocess`.

    Attributes:
        task: as it was named; empty where the class was called itself.
        model: what is known of the model, by the names of transformers; `model.tagger` is the model
            of `minner.load`.
        tokenizer: the tokenizer that was given, or the most used parts of the model's own.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Tagger | Any = None,
        tokenizer: str | os.PathLike[str] | Any = None,
        *,
        task: str = "",
        config: Any = None,
        batch_size: int | None = None,
        is_split_into_words: bool = False,
        **arguments: Any,
    ) -> None:
        """Load a model.

        Args:
            model: a directory, a Hugging Face repo id, a model from `minner.load`, or a model of
                transformers, whose weights are copied; the embedded model where it is None.
            tokenizer: a directory, a repo id, or a tokenizer of transformers; the model's own
                where it is None.
            task: kept as an attribute.
            config: refused if it has other labels than the model.
            batch_size: how many texts of a stream are read before the first gets its result; see
                the call.
            is_split_into_words: whether lists among the inputs of calls are lists of words. In
                transformers it has no effect here, and such a list is an error.
            arguments:
                - `aggregation_strategy`: `none` (the default), `simple`, `first`, `average` or
                  `max`.
                - `ignore_labels`: what to leave out, by its `entity` or `entity_group`; `["O"]` by
                  default.
                - `stride`: how many wordpieces neighbouring windows of a long text share. Without
                  it, a text is cut to one window, with a MinnerWarning.
                - `delimiter`: what stands between words in the text that offsets are of; a space by
                  default.
                - `grouped_entities`, `ignore_subwords`: how transformers 4 named `simple` and
                  `first`.
                - `revision`, `token`, `cache_dir` and `local_files_only`: for a download.
                - What else transformers takes, such as `device`, is accepted; a MinnerWarning tells
                  of values that ask for something else than minner does.

        Raises:
            MinnerError: an argument is none of these, or the model cannot be loaded.
        """
        ours = {name: arguments.pop(name) for name in OPTIONS if name in arguments}
        hub = hub_options(arguments, (*OPTIONS, *_OTHERS))
        if batch_size is not None:
            checked_size(batch_size)
        self.task = task
        self.model, self.tokenizer, self._folder = load(model, tokenizer, hub)
        if config is not None:
            check_config(config, self.model.config.id2label, hub)
        self._tagger = self.model.tagger
        self._size = self._tagger.vocabulary.max_length - 2
        self._options = Options().changed(self._size, **ours)
        self._batch_size, self._has_words = batch_size, is_split_into_words
        self._numbers = {str(i): i for i in self.model.config.label2id if isinstance(i, int)}
        self._join = joiner(self._tagger.vocabulary.tokenizer)

    def __call__(
        self,
        inputs: Any,
        *,
        is_split_into_words: bool = False,
        offset_mapping: Any = None,
        batch_size: int | None = None,
        num_workers: int | None = None,
        **options: Any,
    ) -> Any:
        """Find the entities of a text, of each text of a list, or of a stream of texts.

        Args:
            inputs: a string gives a list of entities; a list of strings gives a list of such
                lists; any other iterable of strings, or object with a length whose items are
                strings, such as `KeyDataset(dataset, "text")`, gives an iterator over such lists.
            is_split_into_words: each text is a list of words instead of a string. A single such
                list gives a list of one result, as in transformers.
            offset_mapping: start and end of every token of the text, special ones included, to use
                instead of the tokenizer's; for a list of texts, a list of these.
            batch_size: how many texts of a stream are read before the first gets its result, which
                does not depend on it. Where neither this nor the pipeline sets it, it adapts to how
                fast texts come. A list is taken whole: texts are packed without padding.
            num_workers: has no effect.
            options: `aggregation_strategy`, `ignore_labels`, `stride`, `delimiter` and the two of
                transformers 4, as for the pipeline, for this call alone.

        Returns:
            Entities as dictionaries. For the strategy `none` there is one per wordpiece: `entity`
            (its label), `score` (a np.float32), `index` (in its window, where [CLS] is 0), `word`,
            `start` and `end` (in code points, the end exclusive). For the others: `entity_group`
            (the label without B- or I-), `score`, `word`, `start` and `end`. A `word` is put
            together from wordpieces; what stands in the text is `text[start:end]`.

        Raises:
            MinnerError: something else than texts was given, or an option is not valid.
        """
        refuse_unknown(options, OPTIONS, "argument")
        if batch_size is not None:
            checked_size(batch_size)
        chosen = self._options.changed(self._size, **options)
        warn_of_words(chosen.aggregation_strategy, self._tagger.vocabulary)
        words = bool(is_split_into_words)
        if isinstance(inputs, str):
            found = self._results([inputs], words, chosen, 1, as_mappings(offset_mapping, 1))
            return next(found)
        if not isinstance(inputs, list | tuple):
            size = self._batch_size if batch_size is None else batch_size
            return self._results(iterate(inputs), words, chosen, size, repeat(None))
        if words and inputs and isinstance(inputs[0], str):
            inputs = [inputs]
        mappings = as_mappings(offset_mapping, len(inputs))
        return list(self._results(inputs, words, chosen, TEXTS_PER_BATCH, mappings))

    transform = predict = __call__  # the names of scikit-learn, which transformers has too

    def _results(
        self,
        inputs: Iterable[Any],
        words: bool,
        options: Options,
        batch_size: int | None,
        mappings: Iterable[Any],
    ) -> Iterator[Any]:
        """What `postprocess` makes of each text."""
        for batch in batches(zip(inputs, mappings, strict=False), batch_size):
            documents = [
                list(
                    self.preprocess(
                        text,
                        offset_mapping=mapping,
                        is_split_into_words=words or (self._has_words and isinstance(text, list)),
                        delimiter=" " if options.delimiter is None else options.delimiter,
                        stride=options.stride,
                    )
                )
                for text, mapping in batch
            ]
            ids = [inputs["input_ids"][0] for windows in documents for inputs in windows]
            logits = iter(self._tagger.logits(ids))
            for windows in documents:
                outputs = [{"logits": as_batch(next(logits)), **inputs} for inputs in windows]
                yield self.postprocess(outputs, **options.of_postprocess)

    def preprocess(
        self,
        sentence: Any,
        offset_mapping: Any = None,
        *,
        is_split_into_words: bool = False,
        delimiter: str = " ",
        stride: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Cut a text into the inputs of the model.

        Args:
            sentence: the text, or its words.
            offset_mapping: as in a call, for this text.
            is_split_into_words: whether it is a list of words.
            delimiter: what stands between them.
            stride: how many wordpieces neighbouring windows share; where it is None, there is one.

        Yields:
            For each window `input_ids`, `attention_mask` and `special_tokens_mask` `[1, T]`,
            `offset_mapping` `[1, T, 2]`, and `sentence`, the text, for the first window only; of
            words also `word_ids` and `word_to_chars_map`.
        """
        vocabulary = self._tagger.vocabulary
        document = read(sentence, delimiter if is_split_into_words else None, vocabulary)
        for window in window_slices(document, self._size, stride):
            inputs = window_inputs(document, window, vocabulary.cls_id, vocabulary.sep_id)
            if offset_mapping is not None:
                inputs["offset_mapping"] = [checked_mapping(offset_mapping, inputs)]
            yield inputs

    def postprocess(
        self,
        all_outputs: Sequence[Mapping[str, Any]],
        aggregation_strategy: str = AggregationStrategy.NONE,
        ignore_labels: Collection[Any] | None = None,
    ) -> Entities:
        """Make entities of what the model gives for the windows of one text.

        Args:
            all_outputs: for each window what `preprocess` yielded, with `logits`, float32
                `[1, T, C]`. Arrays are of NumPy where transformers has tensors.
            aggregation_strategy: as in a call.
            ignore_labels: as in a call.
        """
        strategy = strategy_of(aggregation_strategy).value
        ignored = ["O"] if ignore_labels is None else ignore_labels
        key = "entity" if strategy == "none" else "entity_group"
        found = []
        for output in all_outputs:
            wordpieces, logits = gather(all_outputs[0]["sentence"], output, self._tagger.vocabulary)
            labels, probabilities = self._tagger.labels, softmax(logits)
            for entity in aggregate(wordpieces, probabilities, labels, strategy, self._join):
                entity[key] = self._numbers.get(entity[key], entity[key])
                if entity[key] not in ignored:
                    found.append(entity)
        return merge_windows(found) if len(all_outputs) > 1 else found

    def save_pretrained(self, save_directory: str | os.PathLike[str], **_: Any) -> None:
        """Write the model and the tokenizer, for `minner.load` and for transformers.

        Raises:
            MinnerError: the directory cannot be written.
        """
        self.model.save_pretrained(save_directory)
        self.tokenizer.save_pretrained(save_directory)
