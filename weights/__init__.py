"""From a checkpoint on disk to validated arrays: configuration, tensors, tokenizer.

Import from the modules themselves; this file imports nothing, so that `minner.errors`
costs no more than it must. The way of a model through this package:

    hub.find_checkpoint      a path, a repository id or nothing -> a directory
    architectures            which family it is of, and how that one writes down the model
    config.read_config       config.json -> Config
    shards.read_tensors      model.safetensors, whole or sharded -> StoredTensor by name
    header.read_header       what one such file holds, and where
    names.canonical_tensors  the names seen in the wild -> the names of this project
    scales.join_scales       int8 tensors and their scales, together
    checkpoint               all of it together, validated -> Checkpoint
    encoder.open_encoder     the files of a tokenizer -> Encoder, which cuts plain words at once
    tokenizer.read_tokenizer the same files -> Vocabulary, the whole of it
    packed.load_packed       a Checkpoint -> arrays for the kernels, made once and then mapped
    convert.convert          a Checkpoint -> a smaller one on disk

Every fault in a file raises a MinnerError; what is merely odd is a MinnerWarning.
"""
