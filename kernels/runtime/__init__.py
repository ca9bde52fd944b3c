"""What a forward pass needs while it runs: threads, timings, and the layout of its memory."""
