"""Torch's side of finetune.py: one finetuning run with Hugging Face's BERT in float32, as its users would write it.

Batches are drawn anew in each epoch and padded to their longest row; AdamW, BERT's own schedule (a tenth of the steps warmup;
the rate falls from step 0 on, where transformers' falls from the end of the warmup on and is a ninth higher), the norm of all
gradients clipped at 1. The last line is seconds: start_up, compiling (0), training, evaluation.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import transformers

MODELS = {"classification": "BertForSequenceClassification", "regression": "BertForSequenceClassification",
          "ner": "BertForTokenClassification", "squad": "BertForQuestionAnswering"}
IGNORED = -100


def main():
    task = json.loads(Path(sys.argv[1]).read_text())
    folder, kind = Path(task["folder"]), task["kind"]
    torch.manual_seed(task["seed"])
    train, dev = (dict(np.load(folder / f"{split}.npz")) for split in ("train", "dev"))
    model = model_of(folder, kind)
    batch_size, rows = task["batch_size"], len(train["input_ids"])
    steps = -(-rows // batch_size) * task["epoch_num"]
    decaying = [value for name, value in model.named_parameters() if "bias" not in name and "LayerNorm" not in name]
    others = [value for name, value in model.named_parameters() if "bias" in name or "LayerNorm" in name]
    optimizer = torch.optim.AdamW([{"params": decaying, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
                                  lr=task["learning_rate"], eps=1e-6)
    warmup = steps // 10
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: step / warmup if step < warmup else 1 - step / steps)
    random = np.random.default_rng(task["seed"])
    model.train()
    began = time.time()
    for _ in range(task["epoch_num"]):
        order = random.permutation(rows)
        for first in range(0, rows, batch_size):
            numbers = order[first:first + batch_size]
            loss = model(**inputs_of(train, numbers), **labels_of(train, numbers, kind)).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    trained = time.time()
    logits = predicted(model, dev, kind, batch_size)
    evaluated = time.time()
    np.savez(task["logits"], logits=logits)
    print(json.dumps({"start_up": began - task["began"], "compiling": 0.0, "training": trained - began,
                      "evaluation": evaluated - trained}))


def model_of(folder, kind):
    labels = {}
    if kind != "squad":
        labels = json.loads((folder / "data/labels.json").read_text(encoding="utf-8"))
    more = {} if kind == "squad" else {"num_labels": max(len(labels), 1)}
    if kind == "regression":
        more["problem_type"] = "regression"
    return getattr(transformers, MODELS[kind]).from_pretrained(folder / "huggingface", **more)


def width_of(data, numbers):
    return int(data["input_mask"][numbers].sum(1).max())


def tensor(values):
    return torch.from_numpy(np.ascontiguousarray(values, np.int64))


def inputs_of(data, numbers):
    width = width_of(data, numbers)
    return {"input_ids": tensor(data["input_ids"][numbers, :width]),
            "attention_mask": tensor(data["input_mask"][numbers, :width]),
            "token_type_ids": tensor(data["segment_ids"][numbers, :width])}


def labels_of(data, numbers, kind):
    if kind == "squad":
        return {"start_positions": tensor(data["start_positions"][numbers]),
                "end_positions": tensor(data["end_positions"][numbers])}
    labels = data["label_ids"][numbers]
    if kind == "regression":
        return {"labels": torch.from_numpy(labels)}
    if kind == "ner":
        width, lengths = width_of(data, numbers), data["input_mask"][numbers].sum(1) - 2
        places = np.arange(width)
        labels = np.where((places > 0) & (places <= lengths[:, None]), labels[:, :width], IGNORED)
    return {"labels": tensor(labels)}


def predicted(model, data, kind, batch_size):
    """The scores of all rows in their order; of spans -inf in the padding."""
    model.eval()
    rows, length = data["input_ids"].shape
    found = None
    with torch.no_grad():
        for first in range(0, rows, batch_size):
            numbers = np.arange(first, min(first + batch_size, rows))
            output = model(**inputs_of(data, numbers))
            scores = torch.stack([output.start_logits, output.end_logits], -1) if kind == "squad" else output.logits
            if found is None:
                by_token = (length,) if scores.dim() == 3 else ()
                found = np.full((rows, *by_token, scores.shape[-1]), -np.inf if kind == "squad" else 0, np.float32)
            if scores.dim() == 3:
                found[numbers, :scores.shape[1]] = scores.numpy()
            else:
                found[numbers] = scores.numpy()
    if kind == "squad":
        found[data["input_mask"] == 0] = -np.inf
    return found


if __name__ == "__main__":
    main()
