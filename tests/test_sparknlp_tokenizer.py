"""Spark NLP's Tokenizer: its default rule and its settings row by row, and its offsets."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minner import MinnerError
from minner.sparknlp import Annotation, Tokenizer, document
from minner.sparknlp.jvm import Utf16Text, utf16_length, utf16_offsets


def tokens_of(text: str, **settings: object) -> list[str]:
    tokenizer = Tokenizer(**settings)  # type: ignore[arg-type]
    return [token["result"] for token in tokenizer.annotate([document(text)])]


# Tokens separated by "|" as they are expected; the text is the same without the bars.
@pytest.mark.parametrize(
    "split",
    [
        "My| |name| |is| |John|!",
        "U.N|.| |official| |Ekeus| |heads| |for| |Baghdad|.",
        "I'd| |like| |to| |say| |we| |didn't| |expect| |that|.| |Jane's| |boyfriend|.",
        '"(|Reuters|)',
        "don't| |AL-AIN| |3.5%| |$5.00| |AT&T| |1996-08-22| |EU's| |rock'n'roll",
        "--| |...| |-| |?!| |.,;:!?*-()\"'",
        "(|a|).,| |'|quoted|'| |**",
        "a--b| |-|a.b|.",
        "“Paris”| |[x]| |{y}| |#tag| |@home| |50%",
        "no\u00a0break| |ideo\u3000graphic| |em\u2003space| |line\u2028separator| |nel\u0085x",
        "tab|\t|line|\n|return|\r\n|form|\f|vertical|\v|end",
        "a|ↇ|b| |ↈ",
        "😀|.| |(|😀😀|)",
    ],
)
def test_default_rule(split: str) -> None:
    expected = [token for token in split.split("|") if token.strip(" \t\n\r\f\vↇ")]
    assert tokens_of(split.replace("|", "")) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\t \r", "ↇ"])
def test_nothing(text: str) -> None:
    assert tokens_of(text) == []


def test_annotations_end_inclusively_and_count_utf16_units() -> None:
    found = Tokenizer().annotate([document("😀 Hi, 😀!")])
    assert [(token["begin"], token["end"], token["result"]) for token in found] == [
        (0, 1, "😀"),
        (3, 4, "Hi"),
        (5, 5, ","),
        (7, 8, "😀"),
        (9, 9, "!"),
    ]
    assert found[1] == {
        "annotatorType": "token",
        "begin": 3,
        "end": 4,
        "result": "Hi",
        "metadata": {"sentence": "0"},
    }


def test_sentences_keep_their_offset_and_their_number() -> None:
    first = Annotation(
        annotatorType="document", begin=0, end=2, result="Hi.", metadata={"sentence": "0"}
    )
    second = Annotation(
        annotatorType="document", begin=4, end=8, result="Go 😀", metadata={"sentence": "1"}
    )
    found = Tokenizer().annotate([first, second])
    assert [(t["begin"], t["end"], t["result"], t["metadata"]["sentence"]) for t in found] == [
        (0, 1, "Hi", "0"),
        (2, 2, ".", "0"),
        (4, 5, "Go", "1"),
        (7, 8, "😀", "1"),
    ]


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        # An exception protects its own white space, and the whole candidate around it.
        ("in New York.", {"exceptions": ["New York"]}, "in|New York."),
        ("(e-mail), (mail)", {"exceptions": ["e-mail"]}, "(e-mail),|(|mail|)"),
        ("in new york.", {"exceptions": ["New York"]}, "in|new|york|."),
        (
            "in new york.",
            {"exceptions": ["New York"], "case_sensitive_exceptions": False},
            "in|new york.",
        ),
        ("a b c d", {"exceptions": ["a b", "c\\sd"]}, "a b|c d"),
        ("a b c", {"exceptions": ["a b c", "b c"]}, "a|b c"),  # the last exception comes first
        ("a b c", {"exceptions": ["b c", "a b c"]}, "a b c"),
        ("x ↈ. y.", {"exceptions": ["z"]}, "x|ↈ.|y|."),
        # Context characters.
        ("(a), #b#", {"context_chars": "#"}, "(a),|#|b|#"),
        ("[a]^\\ -b", {"context_chars": ["]", "[", "^", "\\"]}, "[|a|]^\\|-b"),
        # Prefix, infix and suffix: a token for each group.
        ("$5.00 $6", {"prefix_pattern": r"\A([$]?)"}, "$|5.00|$|6"),
        ("Berlin's.", {"suffix_pattern": r"('s)?([.]*)\z"}, "Berlin's|."),
        (
            "l'une d'un, x",
            {"infix_patterns": [r"([^\W\d_]+')([^\W\d_]+)", r"(\w+)"]},
            "l'|une|d'|un|,|x",
        ),
        ("a-b ;", {"infix_patterns": ["(q)"]}, "a-b|;"),  # what no rule matches stays whole
        ("ab", {"prefix_pattern": r"\A(x)?", "infix_patterns": ["(a)(b)(c)?"]}, "a|b"),
        # Java's regular expressions: Spark NLP's own examples (its Tokenizer.scala, 040c1ca8).
        (
            "l'une d'un l'un, des l'extrême des l'extreme",
            {"infix_patterns": [r"([\p{L}\w]+'{1})([\p{L}\w]+)"]},
            "l'|une|d'|un|l'|un|,|des|l'|extrême|des|l'|extreme",
        ),
        (
            "only lowercase and NOT UPPERCASED and 0,1, to 7 but not 8",
            {"target_pattern": "a-z-0-7"},
            "only|lowercase|and|and|0|1|to|7|but|not",
        ),
        # Classes in a class, as in the pattern of Spark NLP's TokenizerTestSpec.
        ("a.b -c.d", {"infix_patterns": ["([a-z[.]]+)"]}, "a.b|-|c.d"),
        ("abc xyz", {"target_pattern": "a-z&&[^b]"}, "a|c|xyz"),
        # Flags and groups go across prefix, infix and suffix.
        (
            "XaX yaz",
            {
                "prefix_pattern": r"\A(?i)(x)",
                "infix_patterns": ["([a-z])"],
                "suffix_pattern": r"(x)\z",
            },
            "X|a|X|yaz",
        ),
        # Splitting inside tokens.
        ("this-text#be#split.", {"split_pattern": "-|#"}, "this|text|be|split|."),
        ("a##b #c d#", {"split_pattern": "#"}, "a|b|c|d#"),  # `d#` has one part only
        ("a--b", {"split_pattern": "--"}, "a|b"),
        ("camelCase", {"split_pattern": "(?<=[a-z])(?=[A-Z])"}, "camel|Case"),
        ("a#b c# # d.e", {"split_chars": ["#"]}, "a|b|c|d.e"),
        ("a.b|c", {"split_chars": ["\\.", "|"]}, "a|b|c"),
        ("a-b#c d#e", {"split_pattern": "-", "split_chars": ["#"]}, "a|b#c|d|e"),
        # Candidates of other characters.
        ("ab1cd 2", {"target_pattern": "a-z"}, "ab|cd"),
        # Lengths, in UTF-16 units.
        ("a bb ccc 😀", {"min_length": 2}, "bb|ccc|😀"),
        ("a bb ccc 😀 😀😀", {"max_length": 2}, "a|bb|😀"),
        ("a bb ccc", {"min_length": 2, "max_length": 2}, "bb"),
    ],
)
def test_settings(text: str, settings: dict[str, object], expected: str) -> None:
    assert tokens_of(text, **settings) == expected.split("|")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"context_chars": ["ab"]}, "context_chars must be single characters"),
        ({"context_chars": ""}, "context_chars must be single characters, and at least one"),
        ({"split_chars": ["ab"]}, "split_chars must be single characters"),
        ({"prefix_pattern": "(a)"}, r"prefix_pattern must start with \A, unlike '(a)'"),
        ({"suffix_pattern": "(a)"}, r"suffix_pattern must end with \z, unlike '(a)'"),
        ({"prefix_pattern": r"\A("}, "prefix_pattern: "),
        ({"suffix_pattern": r"(\z"}, "suffix_pattern: "),
        ({"infix_patterns": ["a"]}, "infix_patterns need a group for each token, unlike 'a'"),
        ({"infix_patterns": [r"(\p{Latin}+)"]}, "has the property 'Latin', which minner does not"),
        ({"infix_patterns": [r"(a)(?x) b"]}, "has the flag 'x', which minner does not read"),
        ({"infix_patterns": ["(a"]}, "infix_patterns: '(a' is no regular expression of Java's"),
        ({"infix_patterns": "(a)"}, "infix_patterns must be a list of patterns, such as ['(a)']"),
        ({"exceptions": "New York"}, "exceptions must be a list of patterns"),
        ({"exceptions": ["("]}, "exceptions: '(' is no regular expression"),
        ({"split_pattern": "["}, "split_pattern: '[' is no regular expression"),
        ({"target_pattern": "z-a"}, "target_pattern: "),
        ({"min_length": -1}, "min_length must be at least 0"),
        ({"min_length": 3, "max_length": 2}, "max_length no less than it"),
    ],
)
def test_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MinnerError, match=re.escape(message)):
        tokens_of("", **settings)


def test_a_sentence_number_must_be_a_number() -> None:
    with pytest.raises(MinnerError, match="a whole number as sentence, not 'two'"):
        Tokenizer().annotate([document("a", {"sentence": "two"})])


AWKWARD = st.text(alphabet="aB1.,-()'\" \n\t\u00a0\u2028\u0301ↇↈ👍🏽\ud800\udc00\0")
TEXTS = st.text(alphabet=st.characters()) | AWKWARD


def units_of(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def plainly(text: str) -> list[str]:
    """The default rule without regular expressions."""
    found = []
    for candidate in "".join(" " if c in "\t\n\v\f\rↇ" else c for c in text).split(" "):
        middle = candidate.strip(".,;:!?*-()\"'")
        before, _, after = candidate.partition(middle) if middle else (candidate, "", "")
        found += [part for part in (before, middle, after) if part]
    return found


@given(TEXTS)
@example("a\u2028.b\u2028")
@example("..\u0085..")
def test_offsets_slice_the_text_and_tokens_are_those_of_the_plain_rule(text: str) -> None:
    found = Tokenizer().annotate([document(text)])
    assert [token["result"] for token in found] == plainly(text)
    at = 0
    for token in found:
        assert at <= token["begin"] <= token["end"]
        at = token["end"] + 1
        assert units_of(text)[2 * token["begin"] : 2 * at] == units_of(token["result"])


@given(TEXTS, st.sampled_from([{"exceptions": ["a B", r"\(1"]}, {"split_pattern": r"[.-]+"}]))
def test_offsets_slice_the_text_with_settings_too(text: str, settings: dict[str, object]) -> None:
    for token in Tokenizer(**settings).annotate([document(text)]):  # type: ignore[arg-type]
        part = units_of(text)[2 * token["begin"] : 2 * token["end"] + 2]
        assert part == units_of(token["result"])


@given(TEXTS)
def test_utf16(text: str) -> None:
    assert utf16_length(text) == len(units_of(text)) // 2 == len(Utf16Text(text))
    offsets = list(utf16_offsets(text))
    assert offsets == [utf16_length(text[:place]) for place in range(len(text) + 1)]
    for start, end in pairwise(offsets):
        assert units_of(Utf16Text(text).slice(start, end)) == units_of(text)[2 * start : 2 * end]


@pytest.mark.parametrize("unit", ["a", "a.", ".", "-a", "a ", "😀", "\u2028"])
def test_a_megabyte_of_one_thing_takes_linear_time(unit: str) -> None:
    # Quadratic time would be hours.
    text = unit * (1_000_000 // len(unit))
    assert "".join(tokens_of(text)) == text.replace(" ", "")
