"""Make a cased WordPiece vocabulary out of an uncased one, and keep only the useful rows.

Every lower-case wordpiece may appear in three forms: ``berlin``, ``Berlin`` and ``BERLIN``. All
three would cost three times the table, so each form gets an estimate of how often it occurs in a
million words of English, and the most frequent ones stay. Single characters always stay: with them
any Latin-script word can be spelled, and nothing Latin becomes ``[UNK]``.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LOWER, CAPITAL, UPPER = 0, 1, 2

# BERT's vocabularies list whole words from the most to the least frequent, after about a thousand
# single characters; Zipf's law turns a rank into occurrences per million words.
ZIPF = 100_000.0
# Forms that BERT's cased vocabulary does not list are rarer than its last word.
RARE = 3.5
# How the occurrences of an uncased wordpiece divide among its forms (lower, capitalised, upper), by
# what BERT's cased vocabulary lists of it: the lower form (a common word), the capitalised one (a
# name), both, or neither; and for wordpieces that continue a word.
SHARES = {
    "common": (0.88, 0.08, 0.04),
    "name": (0.06, 0.86, 0.08),
    "both": (0.65, 0.30, 0.05),
    "neither": (0.45, 0.50, 0.05),
    "continuation": (0.85, 0.005, 0.08),
}


@dataclass(frozen=True)
class Wordpiece:
    """One row of the cased table: its text, the uncased row it starts from, and its case."""

    text: str
    base: int
    case: int


def read_vocabulary(path: Path) -> list[str]:
    """Read a ``vocab.txt``: one wordpiece per line, the line number is its id."""
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def body(wordpiece: str) -> str:
    """Return the wordpiece without its ``##``."""
    return wordpiece[2:] if len(wordpiece) > 2 and wordpiece.startswith("##") else wordpiece


def is_latin(text: str) -> bool:
    """Tell whether every letter is Latin; digits and common signs count as Latin."""
    for char in text:
        if char.isalpha() and not unicodedata.name(char, "").startswith("LATIN"):
            return False
        if not char.isalpha() and ord(char) > 127:
            # Keep typographic signs, currency and arrows; drop the signs of other scripts.
            block = ord(char)
            if not (block < 0x0250 or 0x2000 <= block < 0x2300):
                return False
    return True


def forms(wordpiece: str) -> list[tuple[str, int]]:
    """List the spellings of an uncased wordpiece, each with its case."""
    text = body(wordpiece)
    prefix = wordpiece[: len(wordpiece) - len(text)]
    spellings = [(wordpiece, LOWER)]
    capital, upper = text[:1].upper() + text[1:], text.upper()
    if len(upper) != len(text) or upper == text:
        return spellings
    if capital != text and (capital != upper or not prefix):
        spellings.append((prefix + capital, CAPITAL))
    if upper != capital or prefix:
        spellings.append((prefix + upper, UPPER))
    return spellings


def case_of(wordpiece: str) -> int:
    """Tell which form of a wordpiece a stored vocabulary holds."""
    text = body(wordpiece)
    if wordpiece in SPECIAL or text == text.lower():
        return LOWER
    return CAPITAL if text[1:] == text[1:].lower() else UPPER


def expand(uncased: list[str]) -> list[Wordpiece]:
    """Give every Latin wordpiece of the uncased vocabulary all its forms."""
    wordpieces = [Wordpiece(text, uncased.index(text), LOWER) for text in SPECIAL]
    seen = set(SPECIAL)
    for base, wordpiece in enumerate(uncased):
        if wordpiece in seen or wordpiece.startswith("[unused") or not is_latin(body(wordpiece)):
            continue
        for text, case in forms(wordpiece):
            if text not in seen:
                seen.add(text)
                wordpieces.append(Wordpiece(text, base, case))
    return wordpieces


def build_tokenizer(wordpieces: Iterable[str]) -> Tokenizer:
    """Build the BERT tokenizer, cased, for the wordpieces; their order gives the ids.

    Accents are stripped, because the uncased table was trained on text without them: ``São`` finds
    the row that ``Sao`` has, and the character offsets still point into the original text.
    """
    vocab = {wordpiece: row for row, wordpiece in enumerate(wordpieces)}
    model = models.WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix="##")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=False
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def count_wordpieces(wordpieces: list[Wordpiece], lines: Iterable[str]) -> Counter[str]:
    """Count how often each form is used when the whole expanded vocabulary is there."""
    tokenizer = build_tokenizer(wordpiece.text for wordpiece in wordpieces)
    counts: Counter[str] = Counter()
    for encoding in tokenizer.encode_batch(list(lines), add_special_tokens=False):
        counts.update(encoding.tokens)
    return counts


def kind_of(wordpiece: Wordpiece, listed: set[tuple[int, int]]) -> str:
    """Tell what the cased vocabulary says about an uncased wordpiece."""
    if wordpiece.text.startswith("##"):
        return "continuation"
    lower, capital = (wordpiece.base, LOWER) in listed, (wordpiece.base, CAPITAL) in listed
    if lower and capital:
        return "both"
    return "common" if lower else "name" if capital else "neither"


def usefulness(
    wordpieces: list[Wordpiece], cased: list[str], counts: Counter[str]
) -> dict[str, float]:
    """Estimate the occurrences of each form in a million words of English."""
    first_cased = cased.index("the")
    first_base = next(wordpiece.base for wordpiece in wordpieces if wordpiece.text == "the")
    cased_rank = {text: row - first_cased + 1 for row, text in enumerate(cased)}
    listed = {
        (wordpiece.base, wordpiece.case) for wordpiece in wordpieces if wordpiece.text in cased_rank
    }
    millions = max(1, counts.total()) / 1e6
    scores = {}
    for wordpiece in wordpieces:
        if cased_rank.get(wordpiece.text, 0) > 0:
            general = ZIPF / cased_rank[wordpiece.text]
        else:
            share = SHARES[kind_of(wordpiece, listed)][wordpiece.case]
            general = min(RARE, share * ZIPF / max(1, wordpiece.base - first_base + 1))
        scores[wordpiece.text] = general + counts[wordpiece.text] / millions
    return scores


def prune(wordpieces: list[Wordpiece], scores: dict[str, float], size: int) -> list[Wordpiece]:
    """Keep the specials, every single character, and the most useful other forms."""
    always = [p for p in wordpieces if p.text in SPECIAL or len(body(p.text)) == 1]
    kept = {p.text for p in always}
    others = sorted((p for p in wordpieces if p.text not in kept), key=lambda p: -scores[p.text])
    kept.update(p.text for p in others[: size - len(always)])
    return [p for p in wordpieces if p.text in kept]


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write ``tokenizer.json`` (compact) and the ``tokenizer_config.json`` that goes with it."""
    stored = json.loads(tokenizer.to_str())
    text = json.dumps(stored, ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
    config = {
        "tokenizer_class": "DistilBertTokenizer",
        "do_lower_case": False,
        "strip_accents": True,
        "tokenize_chinese_chars": True,
        "model_max_length": 512,
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    text = json.dumps(config, indent=2)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
