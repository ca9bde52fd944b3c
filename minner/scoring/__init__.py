"""Scores: guessed tags against gold tags, as the reference scorers print them, and what went wrong.

Import from the modules themselves. Everywhere `gold` and `guess` hold one tag sequence per
sentence, parallel to each other. Tags are compared letter for letter: against a model, first bring
both to IOB2 (`minner.decoding.chunks.to_iob2`).

    counts          the counts of tags and phrases that every score follows from
    conlleval       the report of conlleval, and the two blocks of a Spark NLP card
    classification  the reports of scikit-learn and of seqeval, default and strict
    bootstrap       95 % intervals of F1
    mistakes        wrong phrases by kind, and which types are confused
    lengths         scores by sentence length
    analysis        the last three as text, and everything at once
    numbers         everything for JSON
"""
