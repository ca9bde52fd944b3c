"""From a token to SentencePiece's wordpieces, as Spark NLP's XLM-RoBERTa and CamemBERT annotators.

The model sees all of a token, and its first wordpiece tags it. XLM-RoBERTa's annotators leave out a
wordpiece that is a space alone; CamemBERT's keep it. (Facts of `SentencepieceEncoder.scala`,
`XlmRoBertaClassification.scala` and `CamemBertClassification.scala`.)
"""

from __future__ import annotations

from collections.abc import Iterator

from minner.sparknlp.wordpieces import Wordpiece
from minner.text.wordpieces import without_surrogates
from minner.weights.tokenizer import Vocabulary

_SPACE_SIGN = "\u2581"
"""How SentencePiece writes a space."""


class SentencePieceEncoder:
    """Cuts tokens into the wordpieces of one vocabulary. Safe to call from several threads."""

    def __init__(self, vocabulary: Vocabulary, *, case_sensitive: bool, keeps_spaces: bool) -> None:
        """Read the vocabulary.

        Args:
            vocabulary: of the model.
            case_sensitive: whether tokens keep their case.
            keeps_spaces: whether the model sees a wordpiece that is a space alone.
        """
        self._vocabulary, self._case_sensitive = vocabulary, case_sensitive
        self._space = None if keeps_spaces else vocabulary.tokenizer.token_to_id(_SPACE_SIGN)

    def encode(self, token: str, begin: int) -> Iterator[Wordpiece]:
        """The wordpieces of a token; only the first of them is one that a tag may come from.

        Args:
            token: the token.
            begin: where it begins in the document, in UTF-16 units.
        """
        text = without_surrogates(token if self._case_sensitive else token.lower())
        offset = 0
        for index in self._vocabulary.encode_words([text]).ids:
            if index != self._space:
                yield Wordpiece(index, offset)
                offset = -begin - 1  # before the document, where no token begins
