"""Sound small inputs for every stage, and its command line: the tests of hostile input and full disks break one thing.

A stage's inputs lie in FOLDER/in, its outputs go to FOLDER/out, its state to FOLDER/state.
"""

import bz2
import hashlib
import itertools
import json
import random
import re

from dump2bert import cli
from tests.unit.pretraining_world import LETTERS, make_data, write_text, write_vocabulary
from tests.unit.test_extraction import DUMP

NETWORK = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24,
           "max_position_embeddings": 64}


def command(stage, folder, **changes):
    """The words of a stage's command. changes: flags that differ; None leaves one out."""
    words, flags = COMMANDS[stage]
    flags = {name: value.replace("IN/", f"{folder}/in/").replace("OUT/", f"{folder}/out/")
             for name, value in flags.items()}
    flags = {**flags, **({"state_dir": f"{folder}/state"} if stage == "pretrain" else {}), **changes}
    places = [str(flags.pop(name)) for name in ("source", "destination") if name in flags]
    return [*words, *places, *(str(word) for name, value in flags.items() if value is not None
                               for word in (f"--{name}", value))]


def run(stage, folder, **changes):
    return cli.main(command(stage, folder, **changes))


CPU = {"device_target": "CPU"}
ADAM = {"optimizer": "AdamWeightDecay", "AdamWeightDecay": '{"learning_rate": 1e-3}'}
COMMANDS = {
    "sample": (["sample"], {"output_dir": "OUT/", "articles": "100", "records": "10"}),
    "download": (["download"], {"url": "IN/dump.xml.bz2", "output": "OUT/dump.xml.bz2", "sums_url": "IN/sums.txt"}),
    "extract": (["extract"], {"dump": "IN/dump.xml", "output": "OUT/articles.jsonl.gz",
                              "statistics": "OUT/articles.json", "processes": "1"}),
    "cut": (["cut"], {"dump": "IN/multistream.xml.bz2", "index": "IN/index.txt", "output": "OUT/streams.json",
                      "parts": "2"}),
    "templates": (["templates"], {"dump": "IN/multistream.xml.bz2", "streams": "IN/streams.json", "part": "0",
                                  "output": "OUT/templates.xml.gz"}),
    "extract part": (["extract"], {"dump": "IN/multistream.xml.bz2", "streams": "IN/streams.json", "part": "1",
                                   "templates": "IN/templates.xml.gz", "output": "OUT/articles.jsonl.gz",
                                   "statistics": "OUT/articles.json", "processes": "1"}),
    "clean": (["clean"], {"input_file": "IN/articles.jsonl", "output": "OUT/text.txt", "statistics": "OUT/text.json",
                          "language": "en"}),
    "clean text": (["clean"], {"input_file": "IN/text.txt", "output": "OUT/text.txt", "statistics": "OUT/text.json",
                               "input_format": "text", "language": "en"}),
    "split": (["split"], {"input_file": "IN/text.txt", "part_statistics": "IN/text.json", "train_dir": "OUT/train",
                          "held_out_dir": "OUT/held_out", "statistics": "OUT/statistics.json", "language": "en",
                          "max_list_share": "1", "max_digit_share": "1"}),      # the text is letters and numbers
    "vocabulary": (["vocabulary"], {"vocab_file": "IN/vocab.txt", "output": "OUT/vocab.txt"}),
    "train vocabulary": (["vocabulary"], {"input_file": "IN/text.txt", "output": "OUT/vocab.txt", "vocab_size": "100"}),
    "pretraining_data": (["pretraining_data"], {
        "input_file": "IN/text.txt", "output_file": "OUT/part-0.tfrecord,OUT/part-1.tfrecord",
        "vocab_file": "IN/vocab.txt", "max_seq_length": "64", "max_predictions_per_seq": "10", "dupe_factor": "2"}),
    "schema": (["schema"], {"data_dir": "IN/data", "vocab_file": "IN/vocab.txt", "output": "OUT/schema.json"}),
    "pretrain": (["pretrain"], {"data_dir": "IN/data", "vocab_file": "IN/vocab.txt", "save_checkpoint_path": "OUT/",
                                "network": json.dumps(NETWORK), "batch_size": "8", "train_steps": "4",
                                "save_checkpoint_steps": "2", **CPU, **ADAM}),
    "pretrain_eval": (["pretrain_eval"], {"checkpoint": "IN/pretrained/model.ckpt", "data_dir": "IN/data",
                                          "output": "OUT/metrics.json", **CPU}),
    "import": (["import"], {"source": "IN/exported", "destination": "OUT/", "vocab_file": "IN/vocab.txt"}),
    "export": (["export"], {"source": "IN/pretrained", "destination": "OUT/", "vocab_file": "IN/vocab.txt"}),
    "task_data": (["task_data"], {"task": "cluener", "train": "IN/train.json", "dev": "IN/dev.json",
                                  "vocab_file": "IN/vocab.txt", "output_dir": "OUT/", "max_seq_length": "16"}),
    "finetune": (["finetune", "ner"], {
        "network": json.dumps(NETWORK), "vocab_file_path": "IN/vocab.txt", "epoch_num": "1", "max_seq_length": "16",
        "train_data_file_path": "IN/task/train.tfrecord", "eval_data_file_path": "IN/task/dev.tfrecord",
        "label2id_file_path": "IN/task/labels.json", "schema_file_path": "IN/task/schema.json", "task": "cluener",
        "save_finetune_checkpoint_path": "OUT/", **CPU, **ADAM}),
    "predict": (["predict"], {"checkpoint": "IN/finetuned/model.ckpt", "vocab_file": "IN/vocab.txt",
                              "input": "IN/dev.json", "output": "OUT/predictions.json",
                              "label_ids": "OUT/predictions.npz", **CPU}),
    "evaluate": (["evaluate"], {"task": "cluener", "gold": "IN/dev.json", "predictions": "IN/predictions.json",
                                "output": "OUT/metrics.json"}),
    "report": (["report"], {"results_dir": "IN/results", "output": "OUT/index.html"}),
}


def record(choose):
    """A record in CLUENER's form: one letter in the middle is a name."""
    letters = choose.choices(LETTERS, k=choose.randint(4, 9))
    return {"text": " ".join(letters), "label": {"name": {letters[1]: [[2, 2]]}}}


def write_multistream(inputs):
    """DUMP as a multistream dump with its index, one page a stream."""
    pages = re.findall(r" *<page>.*?</page>\n", DUMP, re.DOTALL)
    head, _, rest = DUMP.partition(pages[0])
    streams = [bz2.compress(text.encode()) for text in (head, *pages, DUMP[DUMP.rindex("</page>\n") + 8:])]
    offsets = list(itertools.accumulate(map(len, streams)))
    (inputs / "multistream.xml.bz2").write_bytes(b"".join(streams))
    (inputs / "index.txt").write_text("".join(f"{offset}:{number}:Title\n" for number, offset in enumerate(offsets[:len(pages)])))


def make_world(folder):
    """Write everything that COMMANDS reads, by the stages themselves, to folder/in."""
    inputs = folder / "in"
    inputs.mkdir(parents=True)
    (inputs / "dump.xml").write_text(DUMP)
    (inputs / "dump.xml.bz2").write_bytes(bz2.compress(DUMP.encode()))
    digest = hashlib.sha1((inputs / "dump.xml.bz2").read_bytes()).hexdigest()
    (inputs / "sums.txt").write_text(f"{digest}  dump.xml.bz2\n")
    write_multistream(inputs)
    articles = [{"id": str(number), "url": "", "title": f"Title {number}",
                 "text": f"This is the article number {number} of them all. It has a second sentence."}
                for number in range(20)]
    (inputs / "articles.jsonl").write_text("".join(json.dumps(article) + "\n" for article in articles))
    (inputs / "text.json").write_text('{"dropped": {}}')
    write_vocabulary(inputs / "vocab.txt")
    write_text(inputs / "text.txt", documents=30)
    (inputs / "data").mkdir()
    make_data(inputs / "data", inputs / "text.txt", inputs / "vocab.txt")
    choose = random.Random(1)
    for split, count in (("train", 40), ("dev", 10)):
        (inputs / f"{split}.json").write_text("".join(json.dumps(record(choose)) + "\n" for _ in range(count)))
    for stage, changes in (("cut", {"output": inputs / "streams.json"}),
                           ("templates", {"output": inputs / "templates.xml.gz"}),
                           ("schema", {"output": inputs / "data" / "schema.json"}),
                           ("task_data", {"output_dir": inputs / "task"}),
                           ("pretrain", {"save_checkpoint_path": inputs / "pretrained"}),
                           ("export", {"destination": inputs / "exported"}),
                           ("finetune", {"save_finetune_checkpoint_path": inputs / "finetuned"}),
                           ("predict", {"output": inputs / "predictions.json", "label_ids": None})):
        assert run(stage, folder, **changes) == 0, stage
    metrics = inputs / "results/networks/tiny/pretrain_eval/metrics.json"
    assert run("pretrain_eval", folder, output=metrics) == 0
    return inputs
