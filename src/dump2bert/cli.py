"""dump2bert STAGE --flag value ...: one command for each stage of the pipeline.

A stage's flags are the fields of its sections in config.py and command_options.py (same spelling, same defaults) and its
files; the table COMMANDS names both. A stage gets all of them as plain keyword arguments. Nothing heavy is imported before the stage runs.
"""

import argparse
import contextlib
import errno
import importlib
import json
import logging
import os
import signal
import sys
import traceback
import types
import typing
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from dump2bert import __version__
from dump2bert.errors import BadInput, Interrupted
from dump2bert.files import make_folder

EXIT_BAD_INPUT, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 75


class Command(NamedTuple):
    """`files`: names of file flags; `?` marks an optional one, `*` a comma list. `sections`: whose fields are flags,
    as `Class` or `Class.field`. `kinds`: choices of a positional argument before the flags. `places`: names of positional
    paths."""

    help: str
    files: str = ""
    sections: str = ""
    kinds: tuple = ()
    places: str = ""


COMMANDS = {
    "sample": Command("write the sample world: a wiki export and task data about it", "output_dir", "Sample"),
    "download": Command("fetch a file from one of several mirrors, checked, resumed, unpacked",
                        "output", "Fetched Address"),
    "cut": Command("multistream dump and its index -> where to cut it into parts", "dump index output", "Extract.parts"),
    "templates": Command("the templates in one part of a multistream dump", "dump streams output", "DumpPart"),
    "extract": Command("wiki export, or one part of it -> articles, by WikiExtractor",
                       "dump output statistics streams? templates*?",
                       "Extract.processes Extract.cut_off PartOrWhole"),
    "clean": Command("articles or text -> one sentence a line", "input_file output statistics",
                     "Clean Corpus.language Cleaned"),
    "split": Command("sentences of all parts -> training and held-out documents; duplicates and what is no text dropped",
                     "input_file* part_statistics* train_dir held_out_dir statistics",
                     "Split Corpus.language CorpusGates"),
    "vocabulary": Command("train a WordPiece vocabulary, or check a given one",
                          "input_file*? vocab_file? output",
                          "Vocabulary.vocab_size Vocabulary.min_frequency Vocabulary.do_lower_case"),
    "pretraining_data": Command("text -> TFRecord shards of masked instances (Google's create_pretraining_data)",
                                "input_file* output_file* vocab_file statistics?",
                                "Instances Vocabulary.do_lower_case Workers"),
    "join": Command("statistics of the jobs that share a data set's shards -> its statistics.json", "part_statistics* output"),
    "schema": Command("validate TFRecord shards and write schema.json", "data_dir vocab_file output",
                      "DataGates CorpusGates.min_sentences_per_document"),
    "pretrain": Command("train BERT or NEZHA on MLM and NSP",
                        "data_dir? schema_dir? vocab_file? state_dir? save_checkpoint_path? load_checkpoint_path?",
                        "NetworkFile Config.device_target Pretrain PretrainRun"),
    "launch": Command("the processes of pretraining on several devices: as a script, or started and watched",
                      "hccl_config_dir? cmd_file?", "Config.device_target Launch"),
    "pretrain_eval": Command("MLM and NSP scores on held-out data",
                             "checkpoint data_dir schema_dir? output", "Config.device_target PretrainEval Part"),
    "import": Command("a checkpoint of Hugging Face, Google or the model zoo -> model.ckpt, network.json, vocab.txt",
                      "vocab_file?", "ImportOptions", places="source destination"),
    "export": Command("model.ckpt -> a Hugging Face folder, or a MindIR or ONNX graph", "vocab_file?", "ExportOptions",
                      places="source destination"),
    "task_data": Command("a task's records -> TFRecord, schema, labels",
                         "train dev vocab_file output_dir",
                         "TaskName DataForm Task.train_records Finetune.max_seq_length Finetune.doc_stride "
                         "Finetune.max_query_length Vocabulary.do_lower_case"),
    "finetune": Command("train and evaluate a task's head on top of a pretrained network",
                        "vocab_file_path? label2id_file_path? save_finetune_checkpoint_path? "
                        "load_pretrain_checkpoint_path? load_finetune_checkpoint_path? train_data_file_path? "
                        "eval_data_file_path? eval_json_path? schema_file_path?",
                        "NetworkFile Config.device_target Finetune FinetuneRun Vocabulary.do_lower_case",
                        kinds=("classifier", "ner", "squad")),
    "predict": Command("text in, answers out, with a finetuned network; with a pretrained one, masks filled in",
                       "checkpoint vocab_file input? output? label_ids? nbest_predictions? answers?",
                       "Config.device_target Predict DataForm"),
    "evaluate": Command("score predictions against the gold data",
                        "gold predictions output label_ids?", "TaskName DataForm Evaluated"),
    "inspect": Command("what is inside a TFRecord file or a folder of them, a schema.json, a checkpoint or a vocabulary",
                       "vocab_file?", "Inspect", places="path"),
    "report": Command("one page about the run, or about one task of it", "results_dir output", "Page"),
}

FILES = {
    "input_file": "input",
    "output_file": "output TFRecord files",
    "output": "file to write",
    "statistics": "statistics to write (JSON)",
    "index": "the dump's index: OFFSET:PAGE ID:TITLE a line, plain or compressed",
    "streams": "what `cut` has written",
    "templates": "what `templates` has written for each part, in order",
    "data_dir": "folder of TFRecord shards",
    "schema_dir": "schema.json or its folder (default: data_dir)",
    "vocab_file": "vocab.txt",
    "state_dir": "folder of training state, from which an interrupted run goes on (default: state)",
    "save_checkpoint_path": "folder for model.ckpt, network.json and metrics.jsonl (default: here)",
    "load_checkpoint_path": "checkpoint to take initial weights from",
    "checkpoint": "model.ckpt, with network.json beside it",
    "hccl_config_dir": "the rank table hccl.json, or its folder",
    "cmd_file": "shell script to write (default: distributed_cmd.sh)",
    "input": "input; - for standard input",
    "path": "what to look into",
    "source": "what to read: a folder or a checkpoint's path",
    "destination": "folder to write to (for a graph, also a file's name)",
    "answers": "answers.npz beside a finetuned checkpoint: answers to its development records, for which the network is not "
               "run again",
    "nbest_predictions": "file for the n best answers of each question (squad)",
    "eval_json_path": "questions with their answers, in SQuAD's form (squad)",
}

def main(arguments=None):
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("GLOG_v", "3")    # of MindSpore's own messages only errors
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")    # we have none; to look for some takes time
    parser = argparse.ArgumentParser(
        prog="dump2bert", allow_abbrev=False,
        description="From a Wikipedia dump to a pretrained BERT or NEZHA and its scores. The pipeline is run by "
                    "`snakemake`; each stage is a command:",
        epilog="dump2bert STAGE --help lists a stage's flags.")
    parser.add_argument("--version", action="version", version=f"dump2bert {__version__}")
    parser.add_argument("--log", metavar="FILE", help="write everything that is said to this file, too")
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    asked = next((word for word in arguments if word in COMMANDS), None)
    for name, command in COMMANDS.items():
        stage = stages.add_parser(name, help=command.help, description=command.help, allow_abbrev=False)
        if name == asked:
            add_flags(stage, command)
    try:
        values = vars(parser.parse_args(arguments))
        if isinstance(values.get("network"), dict):
            network, options = network_and_options(COMMANDS[asked], values["network"],
                                                   values.get("load_pretrain_checkpoint_path"))
            # The options that stand in the network's file are defaults, which flags override.
            stages.choices[asked].set_defaults(**options)
            values = {**vars(parser.parse_args(arguments)), "network": network}
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    stage, log = values.pop("stage"), values.pop("log")
    try:
        with speaking(stage, log, answers=str(values.get("output", "")) in ("-", "None")) as complain:
            return run(stage, values, complain)
    except BadInput as error:    # the log cannot be written
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT


def run(stage, values, complain):
    try:
        check(COMMANDS[stage], values)
        # Snakemake and cluster managers end jobs with SIGTERM. While they train, these stages have a handler of their own;
        # before and after, what their state folder holds is whole.
        code = EXIT_INTERRUPTED if stage in ("pretrain", "finetune") else 128 + signal.SIGTERM
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))
        importlib.import_module(f"dump2bert.stages.{stage}").run(**values)
    except BadInput as error:
        complain(f"error: {' '.join(str(error).split())}")
        return EXIT_BAD_INPUT
    except Interrupted as error:
        complain(f"interrupted: {error}")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our standard output has gone (head, less): not worth a sentence.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BAD_INPUT
    except OSError as error:
        # A full disk, a folder that cannot be written: what no module has said in better words.
        full = " cannot be written" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        where = f"{error.filename}{full}: " if error.filename else ""
        complain(f"error: {where}{error.strerror or error}", error)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        complain("interrupted")
        return 128 + signal.SIGINT
    return 0


class speaking:
    """What a stage says goes to the terminal; with a log file, there too, and what libraries print goes only there.

    answers: the stage's result goes to standard output, which is then the caller's with a log file, too."""

    def __init__(self, stage, log, answers=False):
        self.stage, self.log, self.answers = stage, log, answers

    def __enter__(self):
        logger = logging.getLogger("dump2bert")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        terminal = sys.stderr
        handlers = []
        if self.log:
            make_folder(Path(self.log).parent)
            try:
                file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
            except OSError as error:
                raise BadInput(f"{self.log} cannot be written: {error.strerror}") from error
            terminal = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="replace")
            if self.answers:
                # Python's own standard output stays what it was; the libraries below it write to descriptor 1.
                sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
            os.dup2(file, 1)
            os.dup2(file, 2)
            handlers.append((logging.StreamHandler(sys.stderr), "%(asctime)s %(message)s"))
        handlers.append((logging.StreamHandler(terminal), f"{self.who()}: %(message)s"))
        for handler, form in handlers:
            handler.setFormatter(logging.Formatter(form, datefmt="%H:%M:%S"))
            logger.addHandler(handler)
        self.terminal, self.logger = terminal, logger
        return self.complain

    def who(self):
        """Jobs of one stage run side by side; their logs, .../STAGE/NAME.log, tell them apart."""
        parts = os.path.splitext(self.log or "")[0].split(os.sep)
        return f"{self.stage} {'/'.join(parts[parts.index(self.stage) + 1:])}" if self.stage in parts[:-1] else self.stage

    def complain(self, message, error=None):
        """Say the last sentence; the log, if there is one, gets the traceback of `error`, too."""
        print(message, file=self.terminal, flush=True)
        if self.log:
            # The disk that is full may be the log's.
            with contextlib.suppress(OSError):
                if error:
                    traceback.print_exception(error, file=sys.stderr)
                print(message, file=sys.stderr, flush=True)

    def __exit__(self, kind, error, trace):
        for handler in list(self.logger.handlers):
            self.logger.removeHandler(handler)
        if self.log and error is not None and not isinstance(error, SystemExit):
            traceback.print_exception(error, file=sys.stderr)
            print(f"{self.stage} failed: {kind.__name__}: {error} (see {self.log})", file=self.terminal, flush=True)
            sys.exit(EXIT_BAD_INPUT)


# ------------------------------------------------------------------------------------------------------------- flags


def section_named(name):
    """A class of the modules that hold options; the larger ones are loaded only where they are needed."""
    from dump2bert import config_corpus, config_data

    found = getattr(config_corpus, name, None) or getattr(config_data, name, None)
    if found:
        return found
    from dump2bert import command_options, config

    return getattr(config, name, None) or getattr(command_options, name)


def add_flags(parser, command):
    """The flags of one command, from its files and from the sections of config.py that it names."""
    if command.kinds:
        parser.add_argument("kind", choices=command.kinds)
    for name in command.places.split():
        parser.add_argument(name, type=Path, help=FILES[name])
    for word in command.files.split():
        name, optional, many = word.rstrip("?*"), "?" in word, "*" in word
        form = {"action": Paths, "nargs": "+", "metavar": "FILE[,FILE...]"} if many else {"type": path, "metavar": "PATH"}
        parser.add_argument(f"--{name}", required=not optional, help=FILES.get(name, name.replace("_", " ")), **form)
    for word in command.sections.split():
        name, _, only = word.partition(".")
        section = section_named(name)
        for name, field in section.model_fields.items():
            if only in ("", name):
                add_flag(parser, name, field)


def check(command, values):
    """Ranges and combinations, as config.py says them; BadInput for the first that does not hold."""
    from dump2bert.validation import validated, with_only

    for word in command.sections.split():
        name, _, only = word.partition(".")
        section = with_only(section_named(name), only) if only else section_named(name)
        validated(section, {name: values[name] for name in section.model_fields if values[name] is not None}, "--")


def add_flag(parser, name, field):
    """One option as a flag. Ranges and combinations are pydantic's business, later (`check`)."""
    kind = kind_of(field.annotation)
    default = field.default if not hasattr(field.default, "model_dump") else field.default.model_dump(mode="json")
    help = (field.description or "").replace("%", "%%").replace("\n", " ")
    if field.is_required():
        default = None
    elif default is not None and not isinstance(default, dict):
        help += f" (default: {str(default).lower() if isinstance(default, bool) else default})"
    if kind is dict:
        form = {"type": json_object, "metavar": "FILE.json"}
    elif hasattr(kind, "model_fields"):
        form = {"type": partial(json_section, kind, name), "metavar": "JSON"}
    elif typing.get_origin(kind) is Literal:
        aliases = [validator.func for validator in field.metadata if hasattr(validator, "func")]
        form = {"choices": typing.get_args(kind), "type": aliases[0] if aliases else str}
    elif typing.get_origin(kind) is list:
        form = {"type": lambda text: text.split(","), "metavar": "A,B"}
    elif kind is bool:
        # Also as Google's programs take it: --flag and --noflag.
        form = {"type": boolean, "metavar": "true|false", "nargs": "?", "const": True}
        parser.add_argument(f"--no{name}", dest=name, action="store_false", default=argparse.SUPPRESS,
                            help=argparse.SUPPRESS)
    else:
        form = {"type": kind, "metavar": kind.__name__.upper()}
    parser.add_argument(f"--{name}", default=default, required=field.is_required(), help=help, **form)


def kind_of(annotation):
    """The type that counts: X of `X | None` and of Annotated[X, ...]."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        return kind_of(next(part for part in typing.get_args(annotation) if part is not types.NoneType))
    return annotation if typing.get_origin(annotation) is not dict else dict


def boolean(text):
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def path(text):
    """A path; an empty text counts as not given (the seed's default of its path flags)."""
    return Path(text) if text else None


class Paths(argparse.Action):
    """Several files, apart by commas (Google's way) or by spaces."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, [Path(part) for word in values for part in word.split(",") if part])


def json_object(text):
    """JSON, or the name of a JSON file. (BadInput passes through argparse: what is wrong is the input, not the usage.)"""
    from dump2bert.files import read_json

    try:
        value = json.loads(text) if text.lstrip().startswith("{") else read_json(text)
    except ValueError as error:
        raise BadInput(f"{text} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInput(f"{text} holds no JSON object")
    return value


def network_and_options(command, values, checkpoint=None):
    """A `--network` object -> the network, and the options of the command that stand beside its keys. Keys that are not
    given are those of network.json beside `checkpoint`, if there is one, else the defaults."""
    from dump2bert import config
    from dump2bert.command_options import network_of
    from dump2bert.validation import validated, without_nulls

    is_described = isinstance(values.get("network"), dict)
    given, options = without_nulls(values["network"] if is_described else values), {}
    preset = given.get("bert_network")
    if isinstance(preset, str) and preset in config.PRESETS:    # who names it gives its sizes
        given = {**{key: config.Network.model_fields[key].default for key in config.PRESETS["nezha"]},
                 **config.PRESETS[preset], **given}
    network = network_of({**network_beside(checkpoint, config.Network.model_fields), **given}, "--network: ")
    if not is_described:    # a network.json of a checkpoint has no options
        for word in command.sections.split():
            fields = {} if "." in word else section_named(word).model_fields
            given = without_nulls({key: value for key, value in values.items()
                                   if key in fields and key not in config.Network.model_fields})
            if given:
                options |= {key: value for key, value in
                            config.plain(validated(section_named(word), given, "--network: ")).items() if key in given}
    return {**config.plain(network), "relative_positions": network.relative_positions}, options


def network_beside(checkpoint, keys):
    """Those of `keys` that network.json beside a checkpoint says. (What is wrong with it is the stage's to say.)"""
    from dump2bert.files import read_json

    beside = checkpoint and checkpoint.with_name("network.json")
    description = read_json(beside) if beside and beside.is_file() else None
    stored = description.get("network") if isinstance(description, dict) else None
    if not isinstance(stored, dict):
        return {}
    return {key: value for key, value in stored.items() if key in keys and value is not None}


def json_section(section, name, text):
    """A nested section as JSON, with the section's defaults below it."""
    from dump2bert.config import plain
    from dump2bert.validation import validated

    return plain(validated(section, json_object(text), f"--{name}: "))


if __name__ == "__main__":
    sys.exit(main())
