"""CoNLL files: columns, boundaries, odd bytes and odd words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from minner.decoding.chunks import conlleval_chunks
from minner.errors import MinnerError
from minner.scoring.conll import Sentence, read_conll

SHARED = Path(__file__).parents[2] / "shared" / "data"


def read(text: str, *, guess: bool = False) -> list[Sentence]:
    return list(read_conll(io.StringIO(text), guess=guess))


def read_bytes(folder: Path, content: bytes) -> list[Sentence]:
    path = folder / "file.conll"
    path.write_bytes(content)
    return list(read_conll(path))


JOHN_SMITH = Sentence(("John", "Smith"), ("B-PER", "I-PER"))
LEFT = Sentence(("left",), ("O",))


@pytest.mark.parametrize(
    "text",
    [
        "John B-PER\nSmith I-PER\n\nleft O\n",
        "John\tB-PER\nSmith\tI-PER\n\nleft\tO\n",
        "John NNP B-PER\nSmith NNP I-PER\n\nleft VBD O\n",
        "John NNP I-NP B-PER\nSmith NNP I-NP I-PER\n\nleft VBD I-VP O\n",
        "John \t B-PER \n Smith I-PER\n \t\nleft  O\n",
        "\n\nJohn B-PER\nSmith I-PER\n\n\n\u00a0\nleft O\n\n\n",
        "-X- O\nJohn B-PER\nSmith I-PER\n-X-\n-X- -X- -X- -X-\nleft O\n",
        "-DOCSTART- -X- -X- O\n\nJohn B-PER\nSmith I-PER\n-DOCSTART-\nleft O\n-DOCSTART- O\n",
    ],
    ids=["two", "tabs", "three", "four", "mixed", "blank lines", "-X-", "documents"],
)
def test_layouts(text: str) -> None:
    assert read(text) == [JOHN_SMITH, LEFT]


@pytest.mark.parametrize(
    "content",
    [
        b"John B-PER\r\nSmith I-PER\r\n\r\nleft O\r\n",
        b"\xef\xbb\xbfJohn B-PER\nSmith I-PER\n\nleft O\n",
        b"John B-PER\nSmith I-PER\n\nleft O",
        b"\xef\xbb\xbf-DOCSTART- O\r\n\r\nJohn B-PER\r\nSmith I-PER\r\n\r\nleft O",
    ],
    ids=["CRLF", "byte order mark", "no final newline", "all three"],
)
def test_files(tmp_path: Path, content: bytes) -> None:
    assert read_bytes(tmp_path, content) == [JOHN_SMITH, LEFT]


@pytest.mark.parametrize("text", ["", "\n", "-DOCSTART- -X- O O\n\n"])
def test_no_sentence(text: str) -> None:
    assert read(text) == []


def test_words_hold_every_other_white_space(tmp_path: Path) -> None:
    words = (
        "1\u00a0000",
        "a\x85b",
        "\x85",
        "\u3000",
        "a\u2028b",
        "a\x0b\x0cb",
        "a\rb",
        "#",
        "\ufeff",
    )
    content = "".join(f"{word} O\n" for word in words)
    [sentence] = read_bytes(tmp_path, content.encode())
    assert sentence.words == words


def test_words_hold_spaces_beside_tabs() -> None:
    [sentence] = read("New York\tB-LOC\n \tO\n\tO\nand\t\tO\t\n")
    assert sentence == Sentence(("New York", "", "", "and"), ("B-LOC", "O", "O", "O"))


def test_guess_file() -> None:
    text = "John NNP B-PER B-LOC\nleft VBD O O\n\nSmith NNP B-PER O\n"
    assert read(text, guess=True) == [
        Sentence(("John", "left"), ("B-PER", "O"), ("B-LOC", "O")),
        Sentence(("Smith",), ("B-PER",), ("O",)),
    ]


def test_sentences_are_streamed() -> None:
    stream = io.StringIO("John B-PER\nSmith I-PER\n\nleft O\n")
    assert next(read_conll(stream)) == JOHN_SMITH
    assert stream.read() == "left O\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"John B-PER\nSmith\n", r"file\.conll:2: columns: 1, but at least 2 are needed"),
        (b" O\n", r"file\.conll:1: columns: 1, but at least 2"),
        (b"John O\nNew York B-LOC\n", r"file\.conll:2: columns: 3, but 2 in the lines"),
        (b"John B-PER\n\nSmith NNP I-PER\n", r"file\.conll:3: columns: 3, but 2 in the lines"),
        (b"John B-PER\nM\xfcller I-PER\n", r"file\.conll:2: not UTF-8"),
        ("John B-PER\n".encode("utf-16"), r"file\.conll:1: not UTF-8"),
    ],
    ids=["one column", "no word", "space in a word", "more columns", "Latin-1", "UTF-16"],
)
def test_faults_name_file_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(MinnerError, match=message):
        read_bytes(tmp_path, content)


def test_guess_file_without_words() -> None:
    """As conlleval.pl reads it: the last two columns, and there need be no more."""
    assert read("B-PER O\n\n-X- O\nO O\n", guess=True) == [
        Sentence(("",), ("B-PER",), ("O",)),
        Sentence(("",), ("O",), ("O",)),
    ]


def test_a_stream_that_fails_to_decode() -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"M\xfcller O\n"), encoding="utf-8")
    with pytest.raises(MinnerError, match="not UTF-8, in line 1 or later"):
        list(read_conll(stream))


COMMENTED = "# sent_id = 1\n1\tJohn\tB-PER\n2\tSmith\tI-PER\n\n# text = left\n1\tleft\tO\n"


def test_comments_and_numbers() -> None:
    assert read(COMMENTED) == [JOHN_SMITH, LEFT]
    assert read("# global.columns = ID FORM TAG\n" + COMMENTED) == [JOHN_SMITH, LEFT]
    assert read(COMMENTED.replace("\n#", "\n\n# a b\n\n#")) == [JOHN_SMITH, LEFT]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# O\nJohn B-PER\n", ("#", "John")),
        ("#\tO\nJohn\tB-PER\n", ("#", "John")),
        ("# O\nJohn\tB-PER\n# O\n#1\tO\n", ("#", "John", "#", "#1")),
        ("1 CD O\n\n2 CD O\n", ("1",)),
        ("1 O\n2 O\n3 O\n", ("1", "2", "3")),
    ],
)
def test_words_that_look_like_comments_or_numbers(text: str, words: tuple[str, ...]) -> None:
    assert read(text)[0].words == words


@pytest.mark.parametrize("name", ["missing.conll", "."])
def test_unreadable_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(MinnerError, match="cannot be read"):
        next(read_conll(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "words", "phrases"), [("eng.testa", 51362, 5942), ("eng.testb", 46435, 5648)]
)
def test_conll2003_has_the_counts_that_papers_quote(name: str, words: int, phrases: int) -> None:
    path = SHARED / "conll2003" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    sentences = list(read_conll(path))
    assert sum(len(sentence.words) for sentence in sentences) == words
    assert sum(len(conlleval_chunks(sentence.tags)) for sentence in sentences) == phrases
