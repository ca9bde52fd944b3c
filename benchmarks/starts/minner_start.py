"""minner from nothing to the entities of one sentence.

Arguments: text, checkpoint, threads, precision.
"""

import json
import sys

import minner

text, checkpoint, threads, precision = sys.argv[1:]
ner = minner.load(checkpoint, threads=int(threads), precision=precision)
print(json.dumps([[entity.label, entity.start, entity.end] for entity in ner(text)]))
