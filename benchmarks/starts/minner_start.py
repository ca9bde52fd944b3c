"""minner from nothing to the entities of one sentence. Arguments: text, checkpoint, threads."""

import json
import sys

import minner

text, checkpoint, threads = sys.argv[1:]
ner = minner.load(checkpoint, threads=int(threads))
print(json.dumps([[entity.label, entity.start, entity.end] for entity in ner(text)]))
