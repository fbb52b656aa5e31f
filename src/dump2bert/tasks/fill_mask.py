"""What a pretrained network takes for the words behind [MASK]: a text with masks in, for each mask the most probable words
out."""

import json
import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, input_lines, name_of, sha256_of
from dump2bert.nets.heads import BertForPretraining
from dump2bert.progress import say
from dump2bert.tasks.batches import MULTIPLE
from dump2bert.tokenization import Tokenizer, load_vocabulary
from dump2bert.training import checkpoints, context

MASK = "[MASK]"


def predict(checkpoint, vocab_file, input, output, batch_size, device_target, top):
    """Write a JSON line for each line of `input` (a path, - or a Given text) to `output` (- is standard output):
    {"text", "masks": for each mask its `top` most probable words, [{"token", "probability"}, ..]}."""
    texts = read_masked(input)
    model, network = load_pretrained(checkpoint, vocab_file, device_target)
    vocabulary = load_vocabulary(vocab_file)
    if len(vocabulary) > network["vocab_size"]:
        raise BadInput(f"{vocab_file} has {len(vocabulary)} words, and {checkpoint} {network['vocab_size']}: it is not the "
                       "vocabulary of this network")
    rows = rows_of(texts, Tokenizer(vocabulary, is_lower_case(vocabulary)), longest(network))
    found = fill(model, rows, vocabulary, batch_size, top)
    lines = [json.dumps({"text": text, "masks": masks}, ensure_ascii=False) + "\n" for text, masks in zip(texts, found)]
    if str(output) == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        sys.stdout.writelines(lines)
        sys.stdout.flush()
    else:
        with atomic_write(output) as file:
            file.writelines(lines)
    say(f"{len(texts)} texts, {sum(map(len, found))} masks")


def read_masked(source):
    texts = []
    for line, text in input_lines(source):
        if text.strip():
            if MASK not in text:
                raise BadInput(f"{name_of(source)} line {line} has no {MASK} for the network to fill in")
            texts.append(text)
    if not texts:
        raise BadInput(f"{name_of(source)} holds no text")
    return texts


def load_pretrained(checkpoint, vocab_file, device_target):
    """-> (BertForPretraining with its weights, the network's keys)."""
    context.set_up(device_target)
    description = checkpoints.read_description(checkpoint)
    if description.get("provenance", {}).get("vocabulary_sha256") not in (None, sha256_of(vocab_file)):
        raise BadInput(f"{vocab_file} is not the vocabulary that the network was pretrained with")
    network = description["network"]
    network["compute_type"] = context.usable_compute_type(network["compute_type"], device_target)
    model = BertForPretraining(network)
    checkpoints.load_weights(checkpoint, model)
    model.set_train(False)
    return model, network


def is_lower_case(vocabulary):
    """Whether a vocabulary was made of lower-cased text: no word has a capital but [CLS] and the like, and the <S> and <T>
    of Google's Chinese one."""
    return not any(word != word.lower() for word in vocabulary if not word.startswith(("[", "<")))


def longest(network):
    """Tokens that the network takes; one with relative positions has no bound, and gets what it was pretrained with."""
    if network["relative_positions"] == "none":
        return network["max_position_embeddings"]
    return network.get("seq_length") or 512


def rows_of(texts, tokenizer, size):
    """[(number of the text, token ids, positions of masks)]: a text that fits is one row, of a longer one each mask has a
    row of its own, cut out around it."""
    vocabulary, rows = tokenizer.vocabulary, []
    for number, text in enumerate(texts):
        parts = [tokenizer.encode(part) for part in text.split(MASK)]
        tokens = parts[0]
        for part in parts[1:]:
            tokens = [*tokens, vocabulary[MASK], *part]
        masks = [place for place, token in enumerate(tokens) if token == vocabulary[MASK]]
        room = size - 2
        cuts = [(0, masks)] if len(tokens) <= room else [
            (max(0, min(mask - room // 2, len(tokens) - room)), [mask]) for mask in masks]
        rows += [(number, [vocabulary["[CLS]"], *tokens[first:first + room], vocabulary["[SEP]"]],
                  [mask - first + 1 for mask in inside]) for first, inside in cuts]
    return rows


def fill(model, rows, vocabulary, batch_size, top):
    """For each text a list of its masks' words. All batches have one shape."""
    words, width = list(vocabulary), -(-max(len(tokens) for _, tokens, _ in rows) // MULTIPLE) * MULTIPLE
    asked = max(len(masks) for *_, masks in rows)
    found = [[] for _ in range(rows[-1][0] + 1)]
    for start in range(0, len(rows), batch_size):
        ids, mask, places = (np.zeros((batch_size, count), np.int32) for count in (width, width, asked))
        part = rows[start:start + batch_size]
        for row, (_, tokens, masks) in enumerate(part):
            ids[row, :len(tokens)], mask[row, :len(tokens)] = tokens, 1
            places[row, :len(masks)] = masks
        scores, _ = model(Tensor(ids), Tensor(mask), Tensor(np.zeros_like(ids)), Tensor(places))
        scores = scores.astype(ms.float32).asnumpy().reshape(batch_size, asked, -1)[:, :, :len(words)]
        for (number, _, masks), row in zip(part, scores):
            for log_probabilities in row[:len(masks)]:
                best = np.argsort(-log_probabilities, kind="stable")[:top]
                found[number].append([{"token": words[word], "probability": float(np.exp(log_probabilities[word]))}
                                      for word in best])
    return found
