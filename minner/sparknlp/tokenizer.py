"""The words of a document as Spark NLP's `Tokenizer` finds them.

Candidates are runs without white space. One rule cuts a candidate in three: all context characters
that lead it, the middle, all that trail it. So punctuation inside stays, and punctuation around is
one token a side: `"(Reuters)` gives `"(`, `Reuters`, `)`, and `U.N.` gives `U.N`, `.`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from minner.errors import MinnerError
from minner.sparknlp.annotations import Annotation, sentence_number
from minner.sparknlp.java_regex import compile_java, find_all
from minner.sparknlp.jvm import utf16_length, utf16_offsets
from minner.text.words import Span

CONTEXT_CHARS = ".,;:!?*-()\"'"
"""Split from the ends of a candidate."""

# Spark NLP marks breaks, and white space inside exceptions, with these two signs, U+2187 and
# U+2188. So they mean the same where the text itself has them.
_BREAK = "ↇ"
_PROTECTED = "ↈ"
_CANDIDATE = re.compile(f"[^{_BREAK}]+")


class Tokenizer:
    r"""The `Tokenizer` annotator: settings, and documents in, tokens out.

    Patterns are Java's regular expressions, as in Spark NLP; see `minner.sparknlp.java_regex`.

    Where Spark NLP only counts characters, this gives true offsets: after `split_pattern` (it takes
    each separator for one character) and for patterns with text between or inside their groups.
    """

    def __init__(
        self,
        *,
        context_chars: Sequence[str] = CONTEXT_CHARS,
        prefix_pattern: str | None = None,
        infix_patterns: Sequence[str] | None = None,
        suffix_pattern: str | None = None,
        exceptions: Sequence[str] = (),
        case_sensitive_exceptions: bool = True,
        split_pattern: str | None = None,
        split_chars: Sequence[str] = (),
        target_pattern: str = r"\S+",
        min_length: int = 0,
        max_length: int | None = None,
    ) -> None:
        r"""Compile the rules.

        Args:
            context_chars: single characters; the three patterns override them.
            prefix_pattern: starts with `\A`; each of its groups is a token.
            infix_patterns: each, between prefix and suffix, is a rule; the first that matches a
                candidate makes its groups tokens. A candidate that none matches stays whole.
            suffix_pattern: ends with `\z` or `\Z`.
            exceptions: patterns; white space inside their matches is no break, and a candidate
                with a match anywhere in it stays whole. `Path(...).read_text().splitlines()`
                reads them from a file.
            case_sensitive_exceptions: whether exceptions heed case.
            split_pattern: cuts tokens, where it gives at least two parts.
            split_chars: cuts tokens that `split_pattern` did not; single characters, which may
                have a backslash before them, as Spark NLP needs for `\.`.
            target_pattern: what candidates are made of. Spark NLP reads it as a set of
                characters, whatever it looks like; so does this.
            min_length: of a token, in UTF-16 units; shorter ones are dropped.
            max_length: longer ones are dropped.

        Raises:
            MinnerError: a setting is not of that form.
        """
        _refuse_string(exceptions, "exceptions")
        _refuse_string(infix_patterns, "infix_patterns")
        if not 0 <= min_length <= (min_length if max_length is None else max_length):
            raise MinnerError("min_length must be at least 0, and max_length no less than it")
        self._lengths = (min_length, max_length)
        self._breaks = _compile(f"[^(?:{target_pattern}){_PROTECTED}]", "target_pattern")
        self._rules = _rules(context_chars, prefix_pattern, infix_patterns, suffix_pattern)
        flags = "" if case_sensitive_exceptions else "(?i)"
        self._exceptions = [_compile(flags + exception, "exceptions") for exception in exceptions]
        self._split_pattern = _compile(split_pattern, "split_pattern") if split_pattern else None
        self._split_chars = (
            compile_java(_set_of(split_chars, "split_chars")) if split_chars else None
        )

    def annotate(self, documents: Sequence[Annotation]) -> list[Annotation]:
        """The tokens of a row's documents, each with the number of its sentence."""
        tokens = []
        for sentence in documents:
            text, begin = sentence["result"], sentence["begin"]
            number = str(sentence_number(sentence))
            units = utf16_offsets(text)
            for start, end in self.split(text):
                tokens.append(
                    Annotation(
                        annotatorType="token",
                        begin=begin + units[start],
                        end=begin + units[end] - 1,
                        result=text[start:end],
                        metadata={"sentence": number},
                    )
                )
        return tokens

    def split(self, text: str) -> list[Span]:
        """The spans of all tokens of a text, in code points, ends exclusive."""
        shortest, longest = self._lengths
        spans = []
        for candidate in _CANDIDATE.finditer(self._mark_breaks(text)):
            base = candidate.start()
            for start, end in self._split_candidate(candidate[0]):
                length = utf16_length(candidate[0][start:end])
                if shortest <= length and (longest is None or length <= longest):
                    spans.append((base + start, base + end))
        return spans

    def _mark_breaks(self, text: str) -> str:
        """The text, of the same length, with a sign for each break."""
        for exception in reversed(self._exceptions):
            end = 0
            parts = []
            for match in find_all(exception, text):
                parts += [text[end : match.start()], self._breaks.sub(_PROTECTED, match[0])]
                end = match.end()
            text = "".join((*parts, text[end:]))
        return self._breaks.sub(_BREAK, text)

    def _split_candidate(self, candidate: str) -> list[Span]:
        whole = (0, len(candidate))
        if self._exceptions and (
            _PROTECTED in candidate or any(rule.search(candidate) for rule in self._exceptions)
        ):
            return [whole]
        for rule in self._rules:
            if match := rule.search(candidate):
                groups = [match.span(group) for group in range(1, rule.groups + 1)]
                return [
                    (start + a, start + b)
                    for start, end in groups
                    for a, b in self._split_inside(candidate[start:end])
                    if a < b
                ]
        return [whole]

    def _split_inside(self, token: str) -> Sequence[Span]:
        """The parts of a token, some of them empty."""
        if self._split_pattern and len(parts := _parts(token, self._split_pattern)) > 1:
            return parts
        if self._split_chars and self._split_chars.search(token):
            return _parts(token, self._split_chars)
        return [(0, len(token))]


def _rules(
    context_chars: Sequence[str],
    prefix: str | None,
    infixes: Sequence[str] | None,
    suffix: str | None,
) -> list[re.Pattern[str]]:
    context = _set_of(context_chars, "context_chars")
    other = f"[^{context[1:]}"
    prefix = rf"\A({context}*)" if prefix is None else prefix
    suffix = rf"({context}*)\z" if suffix is None else suffix
    # (?s:.) takes the line separators that Spark NLP's rule takes another way.
    infixes = [f"({other}(?:(?s:.)*{other})?)"] if infixes is None else infixes
    if not prefix.startswith(r"\A"):
        raise MinnerError(rf"prefix_pattern must start with \A, unlike {prefix!r}")
    if not suffix.endswith((r"\z", r"\Z")):
        raise MinnerError(rf"suffix_pattern must end with \z, unlike {suffix!r}")
    return [_rule(prefix, infix, suffix[:-2] + r"\z") for infix in infixes]


def _rule(prefix: str, infix: str, suffix: str) -> re.Pattern[str]:
    """The three patterns as one: flags, names and numbers of groups go across them."""
    try:
        rule = compile_java(prefix + infix + suffix)
    except MinnerError:
        _compile(prefix, "prefix_pattern")
        _compile(suffix, "suffix_pattern")
        _compile(infix, "infix_patterns")
        raise
    if rule.groups == _compile(prefix + suffix, "prefix_pattern and suffix_pattern").groups:
        raise MinnerError(f"infix_patterns need a group for each token, unlike {infix!r}")
    return rule


def _refuse_string(patterns: Sequence[str] | None, setting: str) -> None:
    if isinstance(patterns, str):
        raise MinnerError(f"{setting} must be a list of patterns, such as [{patterns!r}]")


def _set_of(characters: Sequence[str], setting: str) -> str:
    """A regular expression for any one of some characters."""
    single = [c[1:] if len(c) == 2 and c[0] == "\\" else c for c in characters]
    if not single or any(len(character) != 1 for character in single):
        raise MinnerError(f"{setting} must be single characters, and at least one")
    return "[" + "".join(rf"\x{{{ord(character):x}}}" for character in single) + "]"


def _parts(token: str, separator: re.Pattern[str]) -> list[Span]:
    """What lies between the separators, without empty parts at the end, as Java's `split`."""

    def ends() -> Iterator[int]:
        yield 0
        for match in find_all(separator, token):
            if match.end():
                yield from match.span()
        yield len(token)

    bounds = list(ends())
    parts = list(zip(bounds[::2], bounds[1::2], strict=True))
    while parts and parts[-1][0] == parts[-1][1]:
        parts.pop()
    return parts


def _compile(pattern: str, setting: str) -> re.Pattern[str]:
    try:
        return compile_java(pattern)
    except MinnerError as error:
        raise MinnerError(f"{setting}: {error}") from None
