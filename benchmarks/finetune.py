"""Finetuning beside Hugging Face + torch, on the same weights, rows and settings:

    python benchmarks/finetune.py cola --train data/cola/train.tsv --dev data/cola/dev.tsv --start data/all-MiniLM-L6-v2 \\
        --torch_python PATH --output results/benchmarks/cola
    python benchmarks/finetune.py cluener --train data/cluener/train.json --dev data/cluener/dev.json \\
        --vocab_file data/vocab/bert-base-chinese-vocab.txt --max_seq_length 64 --torch_python PATH --output results/benchmarks/cluener

The network is --start (whatever `dump2bert import` reads), or one of 6 layers of 384 with random weights. For each seed ours
and torch (finetune_torch.py, float32, each batch padded to its longest row) train in turns, each in a process of its own, and
`dump2bert predict` and `evaluate` score the answers of both. What is done stands in OUTPUT/runs.jsonl: the same command goes
on where it stopped. Printed, in seconds: start-up (from the start of the process to the first step), compiling, training
(without it), evaluation of the whole development set; and the score; means over the seeds ± the standard deviation.

torch is no part of this project's environment: make one with torch and transformers and name its python. Without it only
our own runs are made.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {"classification": "classifier", "regression": "classifier", "ner": "ner", "squad": "squad"}
SCORES = {"classification": ("accuracy", "matthews"), "regression": ("pearson", "spearman"),
          "ner": ("f1", "precision", "recall"), "squad": ("exact_match", "f1")}
SIZES = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
PARTS = ("start_up", "compiling", "training", "evaluation")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", help="a data set known by name: cola, stsb, tnews, cluener, squad, ...")
    parser.add_argument("--train", type=Path)
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--output", type=Path, help="folder for what is made on the way and the results")
    parser.add_argument("--start", help="checkpoint to start from; without it weights are random")
    parser.add_argument("--vocab_file", type=Path, help="its vocabulary, where it has none of its own")
    parser.add_argument("--torch_python", help="python of an environment with torch and transformers")
    parser.add_argument("--train_records", type=int, help="train on so many of the training records; default: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epoch_num", type=int, default=1)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--learning_rate", type=float, default=5e-5)
    parser.add_argument("--max_seq_length", type=int, default=128)
    parser.add_argument("--doc_stride", type=int, default=128)
    parser.add_argument("--max_query_length", type=int, default=64)
    arguments = parser.parse_args()
    if arguments.task in WORKERS:    # a process of ours, told in --output what to do
        WORKERS[arguments.task](json.loads(arguments.output.read_text()))
        return
    measure(arguments)


def measure(arguments):
    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    settings = {name: value if isinstance(value, (int, float)) else value and str(value)
                for name, value in vars(arguments).items() if name not in ("seeds", "torch_python", "output")}
    kept = folder / "settings.json"
    if kept.exists() and json.loads(kept.read_text()) != settings:
        sys.exit(f"error: {folder} holds runs with other settings (settings.json): name another --output")
    write(kept, settings)
    task = {**settings, "folder": str(folder), "kind": kind_of(arguments.task)}
    if not (folder / "prepared").exists():
        prepare(task)
        (folder / "prepared").touch()
    programs = ["dump2bert", *(["torch"] if arguments.torch_python else [])]
    for seed in arguments.seeds:
        for program in programs:
            if (program, seed) not in {(run["program"], run["seed"]) for run in runs_of(folder)}:
                seconds = (run_ours if program == "dump2bert" else run_torch)(task, seed, arguments.torch_python)
                scores = evaluate(task, folder / f"{program}-{seed}")
                if program == "dump2bert":
                    seconds["evaluation"] = scores["seconds"]
                with open(folder / "runs.jsonl", "a") as file:
                    file.write(json.dumps({"program": program, "seed": seed, "seconds": seconds,
                                           "scores": scores["metrics"]["standard"]}) + "\n")
    show(task, [run for run in runs_of(folder) if run["seed"] in arguments.seeds and run["program"] in programs])


def kind_of(name):
    from dump2bert.tasks.datasets import DATASETS

    if name not in DATASETS:
        sys.exit(f"error: {name} is no data set known by name: {', '.join(DATASETS)}")
    return DATASETS[name].kind


def runs_of(folder):
    file = folder / "runs.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def show(task, runs):
    print(f"{task['task']}: {task['epoch_num']} epochs, batch {task['batch_size']}, rate {task['learning_rate']:g}, at most "
          f"{task['max_seq_length']} tokens")
    found = {}
    for program in dict.fromkeys(run["program"] for run in runs):
        own = [run for run in runs if run["program"] == program]
        found[program] = {part: statistics.mean(run["seconds"][part] for run in own) for part in PARTS}
        times = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in found[program].items())
        scores = ", ".join(f"{name} {spread([run['scores'][name] for run in own])}" for name in SCORES[task["kind"]])
        print(f"{program:10} {len(own)} seeds: {times}; {scores}")
    if len(found) == 2:
        for what, parts in (("training", ["training"]), ("evaluation", ["evaluation"]),
                            ("training with start-up and compiling", PARTS[:3])):
            ours, theirs = (sum(found[program][part] for part in parts) for program in ("dump2bert", "torch"))
            print(f"{what}: dump2bert / torch {ours / theirs:.2f}")


def spread(values):
    return f"{statistics.mean(values):.4f}" + (f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else "")


# -------------------------------------------------------------------------------------------------------- the programs


def prepare(task):
    """FOLDER/start: the weights in our form; huggingface: in torch's; data: the rows, also as train.npz and dev.npz."""
    folder = Path(task["folder"])
    if task["start"]:
        vocabulary = ["--vocab_file", task["vocab_file"]] if task["vocab_file"] else []
        command("import", task["start"], folder / "start", *vocabulary)
    else:
        worker("random_weights", task)
    command("export", folder / "start", folder / "huggingface")
    command("task_data", "--task", task["task"], "--train", task["train"], "--dev", task["dev"], "--vocab_file",
            folder / "start/vocab.txt", "--output_dir", folder / "data", "--max_seq_length", task["max_seq_length"],
            *(["--train_records", task["train_records"]] if task["train_records"] else []), *windows(task))
    worker("arrays", task)


def windows(task):
    names = ("doc_stride", "max_query_length") if task["kind"] == "squad" else ()
    return [word for name in names for word in (f"--{name}", task[name])]


def run_ours(task, seed, _):
    return worker("ours", {**task, "seed": seed, "began": time.time()})


def run_torch(task, seed, python):
    folder = Path(task["folder"])
    job = {**task, "seed": seed, "began": time.time(), "logits": str(folder / "logits.npz")}
    write(folder / "job.json", job)
    seconds = last_line(run([python, Path(__file__).with_name("finetune_torch.py"), folder / "job.json"]))
    worker("answers", {**job, "seconds": seconds["evaluation"]})
    return seconds


def evaluate(task, run_folder):
    """-> metrics.json of the answers of a run."""
    folder, names = Path(task["folder"]), run_folder.name
    suffix = ".tsv" if str(task["dev"]).endswith(".tsv") else ".json"
    answers = [] if names.startswith("dump2bert") else ["--answers", run_folder / "answers.npz"]
    model = folder / names.replace("torch", "dump2bert") / "model.ckpt"
    command("predict", "--device_target", "CPU", "--checkpoint", model, "--vocab_file", folder / "start/vocab.txt",
            "--input", task["dev"], "--output", run_folder / f"predictions{suffix}", "--label_ids",
            run_folder / "predictions.npz", *answers)
    command("evaluate", "--task", task["task"], "--gold", task["dev"], "--predictions", run_folder / f"predictions{suffix}",
            "--label_ids", run_folder / "predictions.npz", "--output", run_folder / "metrics.json")
    return json.loads((run_folder / "metrics.json").read_text())


def command(*words):
    return run([sys.executable, "-m", "dump2bert.cli", *words])


def worker(name, task):
    """A function of WORKERS in a process of its own -> what it prints last, as JSON."""
    job = Path(task["folder"]) / "job.json"
    write(job, task)
    return last_line(run([sys.executable, __file__, name, "--output", job]))


def run(words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {' '.join(map(str, words[:4]))}: {done.stderr[-2000:]}")
    return done.stdout


def last_line(text):
    return json.loads(text.splitlines()[-1]) if text.strip() else None


def write(path, value):
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(value))
    os.replace(beside, path)


# ------------------------------------------------------------------------------------------- what our processes do


def random_weights(task):
    from dump2bert.config import Network, plain
    from dump2bert.nets.bert import initialize, namespace
    from dump2bert.nets.heads import BertForPretraining
    from dump2bert.tokenization import load_vocabulary
    from dump2bert.training import checkpoints, context

    if not task["vocab_file"]:
        sys.exit("error: without --start the network needs a --vocab_file")
    context.set_up("CPU")
    words = list(load_vocabulary(Path(task["vocab_file"])))
    network = Network(**SIZES, vocab_size=len(words), compute_type="float32", seq_length=task["max_seq_length"])
    options = {**plain(network), "relative_positions": network.relative_positions}
    model = BertForPretraining(namespace(options))
    initialize(model, 1, network.initializer_range)
    checkpoints.save(Path(task["folder"]) / "start", model, options, {})
    (Path(task["folder"]) / "start/vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")


def rows_of(task, split):
    """Rows of the task data, as the library reads them (squad's as a dict of columns)."""
    folder = Path(task["folder"])
    file, schema = folder / f"data/{split}.tfrecord", None
    words = len((folder / "start/vocab.txt").read_text(encoding="utf-8").splitlines())
    if task["kind"] == "squad":
        from dump2bert.tasks.squad.tfrecords import read_rows

        return read_rows(file, schema, words, positions=split == "train")
    labels = json.loads((folder / "data/labels.json").read_text(encoding="utf-8"))
    if task["kind"] == "ner":
        from dump2bert.tasks.ner.tfrecords import read_rows
    else:
        from dump2bert.tasks.classification.rows import read_rows
    return read_rows(file, schema, len(labels) or None, words)


def arrays(task):
    import numpy as np

    for split in ("train", "dev"):
        rows = rows_of(task, split)
        np.savez(Path(task["folder"]) / f"{split}.npz", **(rows if isinstance(rows, dict) else rows._asdict()))


def ours(task):
    from dump2bert import cli
    from dump2bert.tasks import training

    folder, seconds, widths = Path(task["folder"]), {"compiling": 0.0}, set()
    train = training.train

    class Watched(training.TrainStep):
        """The first step of each width is the compiler's."""

        def __call__(self, batches):
            began, width = time.time(), batches[0][0].shape
            outcome = super().__call__(batches)
            if width not in widths:
                outcome.read()
                widths.add(width)
                seconds["compiling"] += time.time() - began
            return outcome

    def timed(*given):
        began = time.time()
        trained = train(*given)
        seconds.update(start_up=began - task["began"], training=time.time() - began - seconds["compiling"])
        return trained

    training.TrainStep, training.train = Watched, timed
    squad, data = task["kind"] == "squad", folder / "data"
    files = {"train_data_file_path": data / "train.tfrecord", "load_pretrain_checkpoint_path": folder / "start/model.ckpt",
             "schema_file_path": data / ("schema_train.json" if squad else "schema.json"),
             "vocab_file_path": folder / "start/vocab.txt", "label2id_file_path": None if squad else data / "labels.json",
             "save_finetune_checkpoint_path": folder / f"dump2bert-{task['seed']}"}
    method = "spearman_correlation" if task["kind"] == "regression" else None
    options = {**files, "device_target": "CPU", "do_eval": "false", "task": task["task"], "seed": task["seed"],
               "epoch_num": task["epoch_num"], "train_batch_size": task["batch_size"], "assessment_method": method,
               "max_seq_length": task["max_seq_length"],
               "AdamWeightDecay": json.dumps({"learning_rate": task["learning_rate"], "weight_decay": 0.01,
                                              "bias_correction": True})}    # as torch's
    words = [word for name, value in options.items() if value is not None for word in (f"--{name}", str(value))]
    code = cli.main(["finetune", COMMANDS[task["kind"]], *words, *map(str, windows(task))])
    if code:
        sys.exit(code)
    print(json.dumps(seconds))


def answers(task):
    """What torch's network said -> the file that `finetune` keeps of ours, so that `predict` takes it."""
    import numpy as np

    from dump2bert.files import sha256_of
    from dump2bert.tasks.finetuning import digest_of

    folder, rows = Path(task["folder"]), rows_of(task, "dev")
    logits = np.load(task["logits"])["logits"]
    if task["kind"] == "squad":
        input_ids, values = rows["input_ids"], logits
    elif task["kind"] == "ner":
        # No label where there is no token of the text.
        tokens = (np.arange(logits.shape[1]) > 0) & (np.arange(logits.shape[1]) <= rows.lengths[:, None])
        input_ids, values = rows.input_ids, np.where(tokens, logits.argmax(-1), 0).astype(np.int32)
    else:
        from dump2bert.tasks.classification.rows import merge

        merged, input_ids = merge(rows, logits), rows.input_ids
        values = merged[:, 0].astype(np.float32) if task["kind"] == "regression" else merged.argmax(-1).astype(np.int32)
    output = folder / f"torch-{task['seed']}"
    output.mkdir(exist_ok=True)
    np.savez(output / "answers.npz", model=np.array(sha256_of(folder / f"dump2bert-{task['seed']}/model.ckpt")),
             rows=np.array(digest_of(input_ids)), values=values, seconds=np.float64(task["seconds"]), steps=np.int64(1))


WORKERS = {"random_weights": random_weights, "arrays": arrays, "ours": ours, "answers": answers}

if __name__ == "__main__":
    main()
