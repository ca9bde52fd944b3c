"""What happens to a text before it is cut into wordpieces, and above all: is it lowercased?

A model fed text of the wrong case works badly and says nothing, and the files often disagree.
transformers 5 rebuilds the tokenizer of a BERT class from tokenizer_config.json alone, with
lowercasing as the default, so that a cased tokenizer.json beside a config without `do_lower_case`
is lowercased. minner asks, in this order: the caller, tokenizer_config.json, tokenizer.json, the
vocabulary; and it warns when the outcome is not that of transformers.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace

from tokenizers import normalizers
from tokenizers.normalizers import BertNormalizer, Normalizer

from minner.weights.tokenizer_settings import TokenizerSettings

_REBUILT_BY_TRANSFORMERS = {"BertTokenizer", "DistilBertTokenizer"}
"""Classes whose tokenizer.json transformers 5 mines for its vocabulary, and for no casing."""

CASED = 0.01
"""A vocabulary with a larger share of wordpieces with capitals is cased.

An uncased one has none but [UNK] and its like, give or take a token somebody added.
"""


@dataclass(frozen=True, slots=True)
class Casing:
    """The four switches of BERT's normalizer; `strip_accents` None follows `lowercase`."""

    lowercase: bool
    strip_accents: bool | None = None
    chinese_chars: bool = True
    clean_text: bool = True

    def normalizer(self) -> BertNormalizer:
        """Return the normalizer that does this."""
        return BertNormalizer(
            clean_text=self.clean_text,
            handle_chinese_chars=self.chinese_chars,
            strip_accents=self.strip_accents,
            lowercase=self.lowercase,
        )

    def difference(self, other: "Casing") -> str:
        """Return where `other` differs in effect, such as "lowercase=True"; empty if nowhere."""
        mine, theirs = self._effective(), other._effective()
        return ", ".join(
            f"{field.name}={getattr(theirs, field.name)}"
            for field in fields(self)
            if getattr(mine, field.name) != getattr(theirs, field.name)
        )

    def is_settled_by_lowercase(self, other: "Casing") -> bool:
        """Return whether nothing would differ in effect if `lowercase` did not."""
        return not replace(self, lowercase=other.lowercase).difference(other)

    def _effective(self) -> "Casing":
        strips = self.lowercase if self.strip_accents is None else self.strip_accents
        return Casing(self.lowercase, strips, self.chinese_chars, self.clean_text)


def casing_of(normalizer: Normalizer | None) -> Casing:
    """Return the casing of a tokenizer's normalizer.

    One that is not BERT's, a sequence of smaller ones say, is asked by example.
    """
    if isinstance(normalizer, BertNormalizer):
        return Casing(
            normalizer.lowercase,
            normalizer.strip_accents,
            normalizer.handle_chinese_chars,
            normalizer.clean_text,
        )
    # Not `or`: the Sequence of older tokenizers is false.
    asked = normalizers.Sequence([]) if normalizer is None else normalizer
    return Casing(
        lowercase=asked.normalize_str("A") == "a",
        strip_accents=asked.normalize_str("é") == "e",
        chinese_chars=asked.normalize_str("中") == " 中 ",
        clean_text=asked.normalize_str("a\0b") == "ab",
    )


def decide_casing(
    settings: TokenizerSettings,
    from_file: Casing | None,
    vocabulary: Callable[[], Collection[str]],
    lowercase: bool | None,
) -> tuple[Casing, str]:
    """Return the casing to use and, in words, how its `lowercase` was decided.

    Args:
        settings: what tokenizer_config.json states.
        from_file: what tokenizer.json does, None without that file.
        vocabulary: gives the wordpieces, as evidence where no file states anything.
        lowercase: what the caller asks for, if anything.
    """
    base = from_file or Casing(lowercase=True)
    if lowercase is not None:
        decided, why = lowercase, "the lowercase argument"
    elif settings.lowercase is not None:
        decided, why = settings.lowercase, "do_lower_case in tokenizer_config.json"
    elif from_file is not None:
        decided, why = from_file.lowercase, "tokenizer.json"
    elif share_with_capitals(vocabulary()) > CASED:
        decided, why = False, "evidence: vocab.txt has wordpieces with capitals"
    else:
        decided, why = True, "the default: vocab.txt has no wordpieces with capitals"
    strips, chinese = settings.strip_accents, settings.chinese_chars
    casing = Casing(
        lowercase=decided,
        strip_accents=base.strip_accents if strips is None else strips,
        chinese_chars=base.chinese_chars if chinese is None else chinese,
        clean_text=base.clean_text,
    )
    return casing, why


def casing_by_transformers(
    settings: TokenizerSettings, config_class: str | None, from_file: Casing | None
) -> Casing | None:
    """Return the casing that transformers 5.23 would use, None if it could not load the files.

    Args:
        settings: what tokenizer_config.json states.
        config_class: `tokenizer_class` in config.json, asked second.
        from_file: what tokenizer.json does, None without that file.
    """
    if not is_rebuilt(settings, config_class):
        return from_file
    return Casing(
        lowercase=settings.lowercase is not False,
        strip_accents=settings.strip_accents,
        chinese_chars=settings.chinese_chars is not False,
    )


def is_rebuilt(settings: TokenizerSettings, config_class: str | None) -> bool:
    """Return whether transformers 5 takes no more than the vocabulary out of tokenizer.json."""
    tokenizer_class = settings.tokenizer_class or config_class or "BertTokenizer"
    return tokenizer_class.removesuffix("Fast") in _REBUILT_BY_TRANSFORMERS


def share_with_capitals(vocabulary: Collection[str]) -> float:
    """Return the share of wordpieces with a capital, 0 to 1; [UNK] and its like do not count."""
    # \u0120, which byte-level BPE writes for a space, is a capital.
    wordpieces = (wordpiece.replace("\u0120", "") for wordpiece in vocabulary)
    cased = sum(wordpiece != wordpiece.lower() and wordpiece[0] != "[" for wordpiece in wordpieces)
    return cased / len(vocabulary) if vocabulary else 0.0
