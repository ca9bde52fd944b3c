"""BERT: DistilBERT with token types, all 0 here, and a pooler, unused here."""

from minner.weights.architectures.architecture import Architecture, bert_keys

BERT = Architecture(
    model_type="bert",
    token_classifier="BertForTokenClassification",
    prefix="bert",
    keys=bert_keys(),
)
