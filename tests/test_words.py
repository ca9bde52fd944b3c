"""Words of raw text: CoNLL's splitting, and every character in exactly one word."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minner.text import words as words_module
from minner.text.words import split_words


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


# Words separated by "|" as they are expected; the text is the same without the bars.
@pytest.mark.parametrize(
    "split",
    [
        "The| |U.S.| |said",
        "U.S.A| |U.N.|'s| |U.S.-led| |N.Y.",
        "J.| |Smith| |J.R.R.| |Tolkien| |J.P.|Morgan",
        "It| |was| |I|.",
        "Mr.| |Smith| |of| |Apple| |Inc.| |said",
        "He| |owns| |Apple| |Inc|.",
        "Reuters|'s| |and| |Reuters|'| |and| |REUTERS|'S",
        "Paris|’s| |it|'ll| |I|'m| |they|’re",
        "O'Brien| |d'Angelo| |rock'n'roll| |O’Hara|'s",
        "I| |do|n't|,| |ca|n’t|,| |WO|N'T|.| |did| |n't| |should|n't|'ve| |Gov't",
        "AT&T| |AL-AIN| |Jean-Luc| |New| |York-based",
        "3.5| |1,000| |1,000,000.50| |10:30| |1996-08-22| |10/12/96| |$|5.00| |50|%",
        "1|,| |2",
        "joe.bloggs@example.com|,| |www.example.com| |x.org",
        "(|see| |https://example.com/a_b?c=d#e|)|.",
        "(|Reuters|)",
        "''|Yes|''|,| |\"|No|\"",
        "Well|...| |no|--|yes|!!!|?",
        "Yahoo|!| |C|++| |#|tag",
        "_| |__init__| |a_b",
        "東|京| |Tokyo| |こんにちは| |한국어",
        "e\u0301te\u0301| |Jose\u0301|.",
        "नई| |दिल्ली|।",
        "مُحَمَّد| |الفاتح|،",
        "မြန်မာ| |தமிழ்| |ខ្មែរ| |หนังสือ",
        "👨\u200d👩\u200d👧| |hi|👍🏽|👍🏽|❤\ufe0f|1\ufe0f\u20e3",
        "🇬🇧|🇫🇷|🇫🇷",
        "a|\u00a0|b|\u3000|c|\u2028|d",
        "a|\0|b",
        "co\u00adop| |zero\u200bwidth| |An\u2060na| |a\u200e-\u200eb",
        "\u200b| |\u00ad",
        "\u200e|Anna|\u200e| |Kern|\u200b|,| |Olaf|\ufffd|Berg|\u202c|.",
        "\u200b|U.S.|\u200b| |\ufeff|Mr.|\u200e| |Smith|\u200b|'s| |J.|\u200b| |Berg",
        '\u202a|"|Anna|\u200b|"|\u202c| |👍|\u200b',
        # Markdown and other marks around a name.
        "_|Oslo|_| |with| |Anna|_|,| |_|U.S.|_| |__|Anna| |Kern|__| |___|Oslo|___| |_|Anna|'s|_",
        "_|Mr.| |Berg|_| |_|it|'s|_| |_|https://x.org/a_b|)",
        "*|Oslo|*| |**|Anna|**| |`|Anna|`| |``|Bonn|``| |~~|Anna|~~",
        "#|Anna| |>|Anna| |[|Anna|]|(|b|)",
        "'|Anna|'| |\"|Anna|\"| |‘|Anna|’| |“|Anna|”| |«|Anna|»| |„|Anna|“| |James|'| |James|’|.",
        "😀|Anna|😀| |Oslo|❤\ufe0f|,| |Acme|™",
        "snake_case| |_|private| |CONSTANT_NAME| |__all__| |a__b",
        # A dot without a space: a sentence ends before a capital and a small letter.
        "Bonn|.|Yours| |3|.|Oslo| |in| |1996|.|Then| |EU|.|Yesterday| |бонн|.|Ваша| |Genève|.|Élan",
        "Node.js| |x.Org| |Amazon.Com| |a.B| |J.Smith| |J.J.|Lehto| |v2.0| |MORAV.CHEMIC",
        "Dr.|Smith| |of| |St.|Petersburg| |St.| |Louis| |Dr.x",
        "Anna.Kern@Example.Org|,| |anna_kern@mail.acme.co.uk|.",
        "www.Example.Org/A.Bc| |https://Example.Com/A.Bc|.",
        "a|\ud800|b",
        "\ufeff|a",
    ],
)
def test_table(split: str) -> None:
    assert words_of(split.replace("|", "")) == [word for word in split.split("|") if word.strip()]


@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0\u2003\x1c\x85"])
def test_nothing(text: str) -> None:
    assert split_words(text) == []


AWKWARD = st.text(alphabet="aJ1nt_中.,:-'’&@/_!s \n\u0301\u200d\ufe0f👍🏽🇬\ud800\0")


@given(st.text(alphabet=st.characters()) | AWKWARD)
@example("J. \u0301")
@example("Mr.\x1cSmith")
def test_every_character_has_one_word(text: str) -> None:
    spans = split_words(text)
    at = 0
    for start, end in spans:
        assert at <= start < end
        assert not text[at:start].strip()
        assert not any(character.isspace() for character in text[start:end])
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize(
    "unit",
    (
        *("a", "a.", "a. ", "a.a.a.", "'", "-", " ", "a-", "a'", "'s", "1,", "Mr.", "Mr. ", "J.\n"),
        *(
            "👍",
            "\u0301",
            "\u200d",
            "http://",
            "http://!",
            "_",
            "a_",
            "__a",
            "a\u200b",
            "Mr.\u200b",
        ),
        *("n't", "n'", "aa.Aa", "a@", "a@a.", "Aa.Aa@", "J.\u200b "),
    ),
)
def test_a_megabyte_of_one_thing_takes_linear_time(unit: str) -> None:
    # Quadratic time would be hours.
    text = unit * (1_000_000 // len(unit))
    spans = split_words(text)
    assert sum(end - start for start, end in spans) == len("".join(text.split()))


@pytest.mark.parametrize("start", ["Mr.", "J.", "a'", "http://"])
def test_looking_ahead_over_a_megabyte_of_spaces(start: str) -> None:
    assert split_words((start + " " * 1000) * 1000)[-1][0] >= 999 * 1000


@given(st.text(alphabet=" \n\u200b\u00a0aNt1.-&'’@_,:/(日é\u0301", max_size=30))
@example("isn 't Mr. J U.S. www http St.Louis 3 :5 a\u0301 \u200ba")
def test_the_shortcut_for_most_words_changes_nothing(text: str) -> None:
    everything = words_module._ALL
    for characters in (everything.run, words_module._RUN_BESIDE_CJK):
        pattern = words_module._word_pattern(everything, characters)
        never = pattern.pattern.replace(words_module._PLAIN, "(?!)")
        assert never != pattern.pattern
        slowly = re.compile(never, re.VERBOSE)
        spans = [[match.span() for match in one.finditer(text)] for one in (pattern, slowly)]
        assert spans[0] == spans[1]


@given(
    st.text(st.characters(max_codepoint=127), max_size=40)
    | st.text(" \naNtCom1.-&'@_,:/(-!", max_size=40)
)
@example("isn't Mr. J U.S. www.a http://b.c St.Louis 3.Oslo Bonn.Yours a_b J.R.R. -- !!! x@y.Org")
def test_the_pattern_for_ascii_is_the_whole_pattern(text: str) -> None:
    everything = words_module._ALL
    whole = words_module._word_pattern(everything, everything.run)
    assert split_words(text) == [match.span() for match in whole.finditer(text)]
