"""Options of commands that are no keys of the configuration, because the pipeline itself decides them.

With the sections of config.py they are all flags that a command has, its files apart (cli.py).
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dump2bert.config import Count, Finetune, Network, Positive, Pretrain, Section
from dump2bert.validation import validated, without_nulls


class Address(Section):
    url: list[str]
    """Addresses (https, http, file), tried in order."""


class Cleaned(Section):
    input_format: Literal["articles", "text"] = "articles"
    """articles: JSON lines from `extract`; text: one sentence a line, a blank line between documents."""


    accept_empty: bool = False
    """An input without a sentence to keep is no error: a part of a dump may hold nothing but templates."""


class DumpPart(Section):
    part: Count
    """Number, from 0, of a part into which `cut` has cut the dump."""


class PartOrWhole(Section):
    part: Count | None = None
    """Number, from 0, of a part into which `cut` has cut the dump; default: the whole dump."""


class NetworkFile(Section):
    network: dict | None = None
    """The network's keys as a JSON file (or the JSON itself); may hold keys of the command's options, too. Of the keys
    input_mask_from_dataset and token_type_ids_from_dataset only pretraining and its evaluation take notice."""


class ImportOptions(Section):
    network_keys: dict | None = None
    """Keys of the network, as JSON, that the checkpoint does not say (a zoo checkpoint: num_attention_heads) or that shall
    differ (hidden_act, dropout); sizes must fit the weights."""
    compute_type: Literal["float32", "float16", "bfloat16"] | None = None
    """Type of the matrix products; default: what a checkpoint of this project says, else float16."""


class ExportOptions(Section):
    format: Literal["huggingface", "mindir", "onnx"] = "huggingface"
    """huggingface: a folder that transformers loads; mindir, onnx: a graph with fixed shapes."""
    do_lower_case: bool | None = None
    """What the tokenizer's files say; default: what is known of the network, else true."""
    batch_size: Positive = 1
    """Sequences that the graph takes."""
    seq_length: Positive | None = None
    """Tokens of a sequence of the graph; default: those of the task, else the network's seq_length."""
    max_predictions_per_seq: Positive = 20
    """Masked positions that the graph of a pretrained network takes."""


class PretrainRun(Section):
    adopt_state: str | None = None
    """A state folder to go on from although the code has changed since."""
    fresh: bool = False
    """Begin anew although there is state that other code has written."""
    stop_with_parent: bool = False
    """Save the state and stop when the process that started this one is gone."""
    zoo_lines: bool = False
    """Also say every look at the losses in the form of the model zoo's progress line."""


class FinetuneRun(Section):
    do_train: bool = True
    """Train."""
    do_eval: bool = True
    """Evaluate."""
    assessment_method: str | None = None
    """accuracy, f1, mcc, spearman_correlation (classifier); f1, clue_benchmark (ner)."""
    use_crf: bool = False
    """A conditional random field on top of the labels' scores (ner)."""
    task: str = ""
    """Name of the task, for network.json."""
    device_id: Count = 0
    """The device to use."""
    num_class: Positive | None = None
    """Labels; default: as many as the label file has."""
    seed: int = 1
    """Seed of the head's weights, order and dropout."""
    stop_with_parent: bool = False
    """Stop when the process that started this one is gone."""


class Predict(Section):
    batch_size: Positive = 32
    """Records of a batch; does not change the result."""
    text: str | None = None
    """A text to answer for, in place of --input; of a pair both, apart by a tab; of a pretrained network one with [MASK]."""
    top: Positive = 5
    """Words shown for each [MASK]."""
    question: str | None = None
    """Span answering: one question, in place of --input."""
    context: str | None = None
    """Span answering: the paragraph that --question is about."""


class Inspect(Section):
    records: Count = 3
    """Records to show."""


class TaskName(Section):
    task: str
    """Name of the task."""
    kind: Literal["ner", "classification", "regression", "squad"] | None = None
    """Kind of the task; default: that of the data set known by this name or --spec (cluener, tnews, cola, ...), else ner."""


class Part(Section):
    split: str | None = None
    """Which part of the data this is, for the result."""


class Evaluated(Part):
    network: str | None = None
    """Name of the network, for the result."""
    variant: str | None = None
    """Name of the variant, for the result; default: that of the task."""
    seed: int | None = None
    """Seed of the finetuning run, for the result."""


class Page(Section):
    config: str | None = None
    """The configuration of the run as a JSON file (or the JSON itself): the page shows what it names; default: all found."""
    task: str | None = None
    """Make the page of this task alone; default: that of the whole run."""


class Launch(Section):
    data_dir: str | None = None
    """Folder of the TFRecord shards."""
    hyper_parameter_config_dir: str | None = None
    """The zoo's hyper_parameter_config.ini, or its folder: flags of `pretrain` in the section [config]."""
    run_script_dir: str | None = None
    """Where the zoo's run_pretrain.py lies; taken and without effect: what is started is `dump2bert pretrain`."""
    options: dict | None = None
    """More flags of `pretrain`, as a JSON object or its file; they override the ini's."""
    start: Literal["rank_table", "ranks", "msrun", "mpirun"] | None = None
    """rank_table: HCCL's hccl.json says who is who; ranks: MindSpore's scheduler does; msrun, mpirun: these start the
    processes. Default: rank_table with hccl_config_dir, else ranks."""
    device_num: Positive | None = None
    """Devices of all servers together; a rank table says it itself."""
    local_device_num: Positive | None = None
    """Devices of this server; default: device_num."""
    node_rank: Count = 0
    """Number of this server; 0 has the scheduler."""
    server_id: str | None = None
    """This server's server_id in the rank table; default: found by the devices' addresses in hccn_conf, else by ours."""
    hccn_conf: str = "/etc/hccn.conf"
    """Where hccn_tool notes the addresses of this machine's devices."""
    master_addr: str = "127.0.0.1"
    """Address of server 0, for the scheduler."""
    master_port: Annotated[int, Field(ge=1024, le=65535)] = 8118
    """Port of the scheduler."""
    hosts: str | None = None
    """mpirun: HOST:DEVICES,HOST:DEVICES where there are several servers."""
    hccl_time_out: Annotated[int, Field(ge=120, le=7200)] = 120
    """Seconds for which ranks wait for each other at the start (HCCL_CONNECT_TIMEOUT); 600 for large data."""
    bind_cores: bool = True
    """Give each process cores of its own."""
    log_dir: str = "."
    """Where LOG<device>/pretraining_log.txt are; what is there is added to, never removed."""
    run: bool = False
    """Start the processes and watch them; false: only write cmd_file."""

    @model_validator(mode="after")
    def trainer_takes_the_flags(self):
        from dump2bert.launching.checks import flags_of_trainer

        rows_of_a_step(flags_of_trainer(self.hyper_parameter_config_dir, self.options))
        return self


def rows_of_a_step(flags):
    """Records of a step on one device. BadInput where `pretrain` does not take the flags."""
    from dump2bert.launching.hyper_parameters import TEXTS

    own = {name: value for name, value in flags.items() if name not in {*TEXTS, *PretrainRun.model_fields}}
    options = validated(Pretrain, own, "hyper parameters: ")
    return options.batch_size * options.accumulation_steps


def network_of(values, where):
    """A `--network` object, or a network.json that stands beside a checkpoint -> Network; options of training that stand
    beside its keys are left out. BadInput, which begins with `where`, where something else does."""
    if isinstance(values.get("network"), dict):
        values = values["network"]
    others = {*Pretrain.model_fields, *PretrainRun.model_fields, *Finetune.model_fields, "relative_positions"}
    others -= {*Network.model_fields}
    return validated(Network, without_nulls({name: value for name, value in values.items() if name not in others}), where)
