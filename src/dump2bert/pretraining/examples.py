"""Instances as TFRecord examples: the seven columns that Google's and the model zoo's BERT read."""

from dump2bert.tfrecord import encode_example


def columns(max_seq_length, max_predictions_per_seq):
    """{column: (type, length)} in the order of the model zoo's schema.json. Every column is a vector."""
    return {
        "input_ids": ("int64", max_seq_length),
        "input_mask": ("int64", max_seq_length),
        "segment_ids": ("int64", max_seq_length),
        "next_sentence_labels": ("int64", 1),
        "masked_lm_positions": ("int64", max_predictions_per_seq),
        "masked_lm_ids": ("int64", max_predictions_per_seq),
        "masked_lm_weights": ("float32", max_predictions_per_seq),
    }


def encode_instance(instance, options):
    """An instance as bytes of a tf.train.Example, padded with zeros. The label of a random next span is 1."""
    length, predictions = len(instance.tokens), len(instance.masked_lm_ids)
    padding = [0] * (options.max_seq_length - length)
    no_prediction = [0] * (options.max_predictions_per_seq - predictions)
    return encode_example({
        "input_ids": instance.tokens + padding,
        "input_mask": [1] * length + padding,
        "segment_ids": [0] * instance.first_length + [1] * (length - instance.first_length) + padding,
        "next_sentence_labels": [int(instance.is_random_next)],
        "masked_lm_positions": instance.masked_lm_positions + no_prediction,
        "masked_lm_ids": instance.masked_lm_ids + no_prediction,
        "masked_lm_weights": [1.0] * predictions + [0.0] * len(no_prediction),
    })


def unmasked_columns(max_seq_length, do_whole_word_mask):
    """The columns of instances that are masked when they are read (masking: dynamic), as `columns` gives them.

    segment_lengths: tokens of [CLS] first [SEP] and of second [SEP]. word_pieces: 1 where a token goes on with a word.
    """
    found = {"input_ids": ("int64", max_seq_length), "segment_lengths": ("int64", 2),
             "next_sentence_labels": ("int64", 1)}
    return {**found, "word_pieces": ("int64", max_seq_length)} if do_whole_word_mask else found


def encode_unmasked_instance(tokens, first_length, is_random_next, options, vocabulary):
    """[CLS] first [SEP] second [SEP] as bytes of a tf.train.Example with unmasked_columns.

    first_length: tokens of the first segment. vocabulary: masking.MaskVocabulary.
    """
    padding = [0] * (options.max_seq_length - len(tokens))
    features = {"input_ids": tokens + padding, "segment_lengths": [first_length, len(tokens) - first_length],
                "next_sentence_labels": [int(is_random_next)]}
    if options.do_whole_word_mask:
        features["word_pieces"] = [int(token in vocabulary.continuing) for token in tokens] + padding
    return encode_example(features)


def schema(rows, columns, masking=None):
    """schema.json as MindSpore's TFRecordDataset reads it.

    masking: how unmasked instances are to be masked when they are read (training.dynamic_masking.Masking, as a dict).
    """
    found = {"datasetType": "TF", "numRows": rows,
             "columns": {name: {"type": kind, "rank": 1, "shape": [length]} for name, (kind, length) in columns.items()}}
    return {**found, "masking": masking} if masking else found


def masking_of(statistics, vocabulary):
    """The masking of unmasked instances, from what statistics.json beside them says and {piece: id}."""
    names = "max_predictions_per_seq", "masked_lm_prob", "do_whole_word_mask"
    return {**{name: statistics[name] for name in names}, "vocab_size": len(vocabulary), "mask_id": vocabulary["[MASK]"]}
