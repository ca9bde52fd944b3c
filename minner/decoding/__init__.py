"""Decoding: from the logits of wordpieces to tags, and from tags to entities."""
