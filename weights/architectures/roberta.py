"""RoBERTa, and its like in other languages: BERT whose positions begin after those of padding."""

from dataclasses import replace

from minner.weights.architectures.architecture import Architecture, bert_keys

ROBERTA = Architecture(
    model_type="roberta",
    token_classifier="RobertaForTokenClassification",
    prefix="roberta",
    keys=bert_keys(vocab_size=50265),
    padding_row=1,
)

XLM_ROBERTA = replace(
    ROBERTA,
    model_type="xlm-roberta",
    token_classifier="XLMRobertaForTokenClassification",
    keys=bert_keys(),
)

CAMEMBERT = replace(
    ROBERTA,
    model_type="camembert",
    token_classifier="CamembertForTokenClassification",
    keys=bert_keys(),
)
