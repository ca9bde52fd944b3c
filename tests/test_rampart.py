"""A published BERT with labels of personal data, whose weights nobody here has trained.

It lies in ../shared/data. `tests/golden/rampart.npz` holds what transformers computed of the first
sentences (float32, eager) and `make_rampart.py` beside it how.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minner
from minner import reference
from minner.cli import main
from minner.compat import pipeline
from minner.tagger import Tagger
from test_huggingface import STRATEGIES, assert_same
from test_parity import assert_close, transformers_logits

GOLDEN = Path(__file__).parent / "golden" / "rampart.npz"
STORED = 8
"""Sentences whose logits are stored."""

FIRST = ("Maria", "James", "Aisha", "Jürgen", "Wei", "Olga", "Tomás", "Priya", "Kofi", "Siobhán")
LAST = ("Lopez", "O'Brien", "Nakamura", "Schmidt", "Zhang", "Novak", "Okafor", "Patel")
STREETS = ("Oak Street", "Rue de Rivoli", "N. Lincoln Ave", "Hauptstraße", "King's Road")
CITIES = ("Springfield", "Saint-Denis", "Mexico City", "Köln", "Portland")
TEMPLATES = (
    "My name is {first} {last} and I live at {n} {street}, {city} {zip}.",
    "Please call {first} on ({area}) {phone} or mail {mail}.",
    "{last}, {first}: passport {passport}, driver's license {licence}.",
    "Wire it to account {account}, routing number {routing}, for {first} {last}.",
    "Apt {n}B, {n} {street}, {city}, CA {zip}",
    "SSN {area}-{n}-{zip} belongs to {last}; see https://www.example.com/u/{n}",
    "{first} {last} <{mail}>, {area}.{phone}, {city}",
    "Nothing private is in sentence {n}.",
)


def sentences(count: int) -> list[str]:
    """Made-up sentences with names, addresses and numbers, always the same ones."""
    random = np.random.default_rng(0)

    def number(digits: int) -> str:
        return str(random.integers(10 ** (digits - 1), 10**digits))

    made = []
    for i in range(count):
        first, last = random.choice(FIRST), random.choice(LAST)
        made.append(
            TEMPLATES[i % len(TEMPLATES)].format(
                first=first,
                last=last,
                street=random.choice(STREETS),
                city=random.choice(CITIES),
                mail=f"{first}.{last}{number(2)}@example.org".lower(),
                n=number(2),
                zip=number(5),
                area=number(3),
                phone=f"{number(3)}-{number(4)}",
                passport="X" + number(8),
                licence="D" + number(7),
                account=number(10),
                routing=number(9),
            )
        )
    return made


@pytest.fixture(scope="module")
def rampart(shared: Path) -> Tagger:
    if not (shared / "rampart-pii").is_dir():
        pytest.skip("the checkpoint is not there: ../shared/data/rampart-pii")
    return minner.load(shared / "rampart-pii")


def ids_of(ner: Tagger, count: int) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
    tokenizer = ner.vocabulary.tokenizer
    return [np.array(tokenizer.encode(text).ids, np.int32) for text in sentences(count)]


def test_stored_logits(rampart: Tagger) -> None:
    ids = ids_of(rampart, STORED)
    with np.load(GOLDEN) as stored:
        assert np.concatenate(ids).tolist() == stored["ids"].tolist()
        expected = np.split(stored["logits"], np.cumsum([len(one) for one in ids])[:-1])
    checkpoint = rampart._checkpoint
    model, config = reference.nested(checkpoint.tensors), checkpoint.config
    settings = (config.n_heads, config.activation, config.layer_norm_eps)
    assert_close(rampart.logits(ids), expected, 2e-5)
    assert_close([reference.token_logits(one, model, *settings) for one in ids], expected, 2e-5)


@pytest.mark.filterwarnings("default")
def test_live_logits_of_two_hundred_sentences(rampart: Tagger, shared: Path) -> None:
    pytest.importorskip("transformers")
    ids = ids_of(rampart, 200)
    assert_close(rampart.logits(ids), transformers_logits(shared / "rampart-pii", ids), 2e-5)


@pytest.fixture(scope="module")
def theirs(rampart: Tagger, shared: Path) -> Any:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    return transformers.pipeline("ner", model=str(shared / "rampart-pii"), device="cpu")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_live_pipeline(strategy: str, rampart: Tagger, theirs: Any) -> None:
    texts = sentences(200)
    ours = pipeline("ner", model=rampart, aggregation_strategy=strategy)
    assert_same(ours(texts), theirs(texts, aggregation_strategy=strategy), 1e-5)


def test_what_it_finds(rampart: Tagger) -> None:
    found = {entity.label: entity.text for entity in rampart(sentences(2)[1])}
    assert found["EMAIL"].endswith("@example.org")
    assert "GIVEN_NAME" in found


# ---- docs/personal-data.md ---------------------------------------------------------------------

PAGE = Path(__file__).parents[1] / "docs" / "personal-data.md"
KINDS = {
    "e-mail addresses": r"[a-zà-ÿ'.]+\d\d@example\.org",
    "phone numbers": r"\(\d{3}\) \d{3}-\d{4}|\d{3}\.\d{3}-\d{4}",
    "streets": "|".join(map(re.escape, STREETS)),
    "web addresses": r"https://www\.example\.com/u/\d\d",
}


def test_the_letter_is_redacted_as_the_page_says(
    rampart: Tagger, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    letter, redacted, numbered = blocks
    path, model = tmp_path / "letter.txt", str(shared / "rampart-pii")
    path.write_text(letter, encoding="utf-8")
    assert main(["redact", "--model", model, "--file", str(path)]) == 0
    assert capsys.readouterr().out == redacted
    labels = ["--numbered", "--labels", "EMAIL,PHONE,STREET_NAME"]
    text = "Write to ann@example.org or bo@example.org, not to ann@example.org."
    assert main(["redact", "--model", model, *labels, text]) == 0
    assert capsys.readouterr().out == numbered


def test_what_it_takes_out_whole(rampart: Tagger) -> None:
    """The counts of the page's table, from the words of the sentences alone."""
    counts = dict.fromkeys(KINDS, (0, 0))
    for text, entities in zip(sentences(200), rampart(sentences(200)), strict=True):
        covered = {place for one in entities for place in range(one.start, one.end)}
        for kind, pattern in KINDS.items():
            for match in re.finditer(pattern, text):
                places = [place for place in range(*match.span()) if text[place] != " "]
                found, of = counts[kind]
                counts[kind] = found + covered.issuperset(places), of + 1
    assert counts == {
        "e-mail addresses": (50, 50),
        "phone numbers": (50, 50),
        "streets": (50, 50),
        "web addresses": (16, 25),
    }
