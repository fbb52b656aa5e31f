"""MLM and NSP scores of a pretrained network over all instances of held-out data."""

import math

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

from dump2bert.nets.heads import of_labels
from dump2bert.progress import Progress
from dump2bert.training.pretraining_batches import read_batch


class Predictions(nn.Cell):
    """For each masked word, and for each instance: the loss, and whether the most probable class is the label."""

    def __init__(self, model):
        super().__init__(auto_prefix=False)
        self.model = model

    def construct(self, input_ids, input_mask, token_type_ids, next_sentence_labels, masked_lm_positions,
                  masked_lm_ids):
        words, next_sentence = self.model(input_ids, input_mask, token_type_ids, masked_lm_positions)
        words_asked, next_asked = masked_lm_ids.reshape(-1), next_sentence_labels.reshape(-1)
        return (of_labels(words, words_asked), words.argmax(-1) == words_asked,
                of_labels(next_sentence, next_asked), next_sentence.argmax(-1) == next_asked)


def evaluate(model, network, records, batch_size):
    """-> {metric: number}. The last batch is filled up with records that do not count.

    mlm_*: over masked words, by their weights; majority_mlm_accuracy: of always guessing the commonest of them;
    nsp_*: over instances. Losses in nats.
    """
    model.set_train(False)
    predictions = Predictions(model)
    sums = np.zeros(4)      # mlm loss, mlm right, nsp loss, nsp right
    asked = np.zeros(network.vocab_size)
    progress = Progress(len(records), "instance")
    for first in range(0, len(records), batch_size):
        numbers = np.arange(first, first + batch_size)
        real = numbers < len(records)
        batch = read_batch(records, np.where(real, numbers, 0), network)
        weights = batch["masked_lm_weights"] * real[:, None]
        outputs = predictions(*(Tensor(batch[name]) for name in (
            "input_ids", "input_mask", "segment_ids", "next_sentence_labels", "masked_lm_positions", "masked_lm_ids")))
        word_loss, word_right, next_loss, next_right = (value.astype(ms.float32).asnumpy().astype(np.float64)
                                                        for value in outputs)
        flat = weights.reshape(-1)
        sums += [word_loss @ flat, word_right @ flat, next_loss @ real, next_right @ real]
        asked += np.bincount(batch["masked_lm_ids"].reshape(-1), flat, len(asked))
        progress.update(int(real.sum()))
    masked, instances = asked.sum(), len(records)
    mlm_loss = sums[0] / masked
    return {"mlm_accuracy": sums[1] / masked, "nsp_accuracy": sums[3] / instances, "mlm_loss": mlm_loss,
            "nsp_loss": sums[2] / instances, "mlm_perplexity": math.exp(mlm_loss),
            "majority_mlm_accuracy": asked.max() / masked, "instances": instances, "masked_words": int(masked)}
