"""How long what waits will take, by what was done last."""

from __future__ import annotations

SHARE = 0.2
"""How much the last batch counts."""


class Pace:
    """Seconds for a token and for a text: means of all batches, in which the last count most.

    Both, because texts of a batch take time by their tokens, and explanations each for itself.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._token = self._text = 0.0

    def note(self, texts: int, tokens: int, seconds: float) -> None:
        """Take a batch into account; the first is all there is to go by."""
        share = SHARE if self._text else 1.0
        self._token += share * (seconds / tokens - self._token)
        self._text += share * (seconds / texts - self._text)

    def seconds(self, texts: int, tokens: int, running: float = 0.0) -> float:
        """How long so many will take.

        Args:
            texts: number of texts.
            tokens: number of tokens of all of them.
            running: seconds for which a batch has been running: with nothing else to go by, each
                text is taken to need as long.
        """
        text = self._text or running
        return max(texts * text, tokens * self._token)
