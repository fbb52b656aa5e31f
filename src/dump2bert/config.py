"""The configuration: one typed model. Every option, its default and what it means stand here, in
config_corpus.py and in config_data.py, and nowhere else.

config.yaml, a recipe laid over it, the flags of the commands, the tables in docs/ and workflow/schemas/config.schema.json all
speak of these fields. `load_config` validates once, at the edge, and says in one sentence which key is wrong, what was
found and what is allowed. A key set to null means: as if it were not there, so an overlay takes an entry away with it.

The names of the networks', pretraining's and optimizers' options are those of the model zoo's BERT.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dump2bert.config_corpus import Clean, Corpus, Extract, Gates, Sample, Source, Split
from dump2bert.config_data import PretrainingData, Vocabulary, spread_phase2
from dump2bert.config_tasks import DataForm, know_data_sets
from dump2bert.option_types import (Above0, Count, Device, Dropout, Folder, Name, NotNegative, Places, Positive,
                                    Probability, Scale, Section, Sha256, StepsOrAll, distinct)
from dump2bert.validation import did_you_mean, merged, validated, without_nulls


# --------------------------------------------------------------------------------------------------------- networks

PRESETS = {
    "base": {},
    "nezha": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096,
              "use_relative_positions": True},
    "large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096},
}


class Network(Section):
    """A network: a preset (bert_network) and what differs from it. The file of `--network` holds these keys."""

    bert_network: Literal[*PRESETS] = "base"
    """Preset of the sizes: base, nezha (relative positions) or large."""
    seq_length: Positive | None = None
    """Length of the input sequences; null: that of the pretraining data."""
    vocab_size: Positive | None = None
    """Rows of the embedding; null: the lines of the vocabulary."""
    pad_vocab_size_to: Positive = 1
    """Round vocab_size up to a multiple of this (16 makes 21128 the seed's 21136)."""
    hidden_size: Positive = 768
    """Width of the encoder."""
    num_hidden_layers: Positive = 12
    """Encoder layers."""
    num_attention_heads: Positive = 12
    """Attention heads; must divide hidden_size."""
    intermediate_size: Positive = 3072
    """Width of the feed-forward layer."""
    hidden_act: Literal["gelu", "gelu_new", "relu"] = "gelu"
    """gelu is the erf form (Hugging Face, NEZHA); gelu_new the tanh form (Google, model zoo)."""
    hidden_dropout_prob: Dropout = 0.1
    """Dropout of embeddings and layer outputs."""
    attention_probs_dropout_prob: Dropout = 0.1
    """Dropout of the attention weights."""
    max_position_embeddings: Positive = 512
    """Rows of the absolute position table."""
    type_vocab_size: Positive = 2
    """Kinds of segments."""
    initializer_range: Above0 = 0.02
    """Standard deviation of the truncated normal that weights start from."""
    initial_attention: Literal["random", "local"] = "random"
    """random, as published; local: absolute positions and keys start so that tokens attend to their neighbours, from which
    small networks on little text learn sooner."""
    layer_norm_eps: Above0 = 1e-12
    """Epsilon of LayerNorm (1e-12 in Google's and Hugging Face's BERT, 1e-7 in the zoo)."""
    use_relative_positions: bool = False
    """Relative instead of absolute positions."""
    relative_position_kind: Literal["nezha", "zoo"] = "nezha"
    """nezha: Huawei's fixed sinusoids up to distance 64; zoo: the model zoo's learned table clipped at 16."""
    input_mask_from_dataset: bool = True
    """Pretrain with the records' input mask (else: all positions are real); tasks always use theirs."""
    token_type_ids_from_dataset: bool = True
    """Pretrain with the records' segment ids (else: all 0); tasks always use theirs."""
    dtype: Literal["float32"] = "float32"
    """Type of the weights (the products' is compute_type)."""
    compute_type: Literal["float32", "float16", "bfloat16"] = "float16"
    """Type of the matrix products where the device has it. A CPU computes in float32, except that it pretrains in bfloat16,
    if it has AVX512-BF16 and a C++ compiler is there: where bfloat16 is asked for, and for float16 from hidden_size 512 on."""

    @model_validator(mode="before")
    @classmethod
    def start_from_preset(cls, values):
        if not isinstance(values, dict):
            return values
        name = values.get("bert_network", "base")
        return {**PRESETS.get(name, {}), **values} if isinstance(name, str) else values

    @model_validator(mode="after")
    def fits_together(self):
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(f"hidden_size {self.hidden_size} is not divisible by "
                             f"num_attention_heads {self.num_attention_heads}")
        if self.seq_length and not self.use_relative_positions and self.seq_length > self.max_position_embeddings:
            raise ValueError(f"seq_length {self.seq_length} is above "
                             f"max_position_embeddings {self.max_position_embeddings}")
        if self.initial_attention == "local" and self.use_relative_positions:
            raise ValueError("initial_attention local is for absolute positions: relative ones are local from the "
                             "beginning")
        return self

    @property
    def relative_positions(self):
        """none, nezha or zoo."""
        return self.relative_position_kind if self.use_relative_positions else "none"


# -------------------------------------------------------------------------------------------------------- optimizers


class Decaying(Section):
    learning_rate: Above0 = 3e-5
    """Peak rate."""
    end_learning_rate: NotNegative = 0.0
    """Rate after the last decay step."""
    power: NotNegative = 5.0
    """Power of the polynomial decay."""
    warmup_steps: Count | None = None
    """Steps in which the rate rises from 0; null: a tenth of all steps, at most 10000."""
    decay_steps: Positive | None = None
    """Steps until the end rate is reached; null: all steps of the run."""
    weight_decay: NotNegative = 0.01
    """Decay of all weights but biases and LayerNorm's."""
    eps: Above0 = 1e-6
    """Added to the denominator."""


class LambOptions(Decaying):
    """LAMB (You et al. 2020)."""

    learning_rate: Above0 = 3e-4
    """Peak rate."""
    power: NotNegative = 2.0
    """Power of the polynomial decay."""
    eps: Above0 = 1e-8
    """Added to the denominator."""


class AdamWeightDecayOptions(Decaying):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    weight_decay: NotNegative = 1e-5
    """Decay of all weights but biases and LayerNorm's."""
    bias_correction: bool = False
    """Correct the bias of the moments in the first steps, as torch's AdamW does and BERT's own does not: the rate is then lower
    by far until some 1000 steps are done."""


class MomentumOptions(Section):
    """Stochastic gradient descent with momentum."""

    learning_rate: Above0 = 2e-5
    """Rate, constant."""
    momentum: Dropout = 0.9
    """Share of the last update that is kept."""


def alias(value):
    """The seed's name of one optimizer, also as it is spelt in its README."""
    return "AdamWeightDecay" if value in ("AdamWeightDecayDynamicLR", "AdamWerigtDecayDynamicLR") else value


class Optimizing(Section):
    """What pretraining and finetuning have in common."""

    optimizer: Annotated[Literal["Lamb", "AdamWeightDecay", "Momentum"], BeforeValidator(alias)] = "Lamb"
    """Which optimizer; its options stand under its name."""
    Lamb: LambOptions = LambOptions()
    """Options of Lamb."""
    AdamWeightDecay: AdamWeightDecayOptions = AdamWeightDecayOptions()
    """Options of AdamWeightDecay (AdamWeightDecayDynamicLR is an alias)."""
    Momentum: MomentumOptions = MomentumOptions()
    """Options of Momentum."""
    schedule: Literal["continuous", "zoo"] = "continuous"
    """continuous: decay starts where the warmup ends; zoo: decay counts from step 0, so the rate jumps after the warmup."""
    gradient_clip: Literal["global_norm", "tensor_norm", "none"] = "global_norm"
    """Clip the norm of all gradients together at 1.0 (Google, Hugging Face), or of every tensor by itself (zoo)."""
    loss_scale_value: Scale = 65536.0
    """Initial loss scale."""
    scale_factor: Scale = 2.0
    """Factor by which the loss scale shrinks on overflow and grows after the window."""
    scale_window: Positive = 1000
    """Good steps after which the loss scale grows."""


class Pretrain(Optimizing):
    """Pretraining: the seed's run_pretrain flags and options."""

    distribute: bool = False
    """Train on several devices."""
    epoch_size: Positive = 1
    """Passes over the training data."""
    device_num: Positive = 1
    """Devices that train together."""
    device_id: Count = 0
    """The device to use when it is one."""
    enable_save_ckpt: bool = True
    """Write checkpoints on the way; the final model is written always."""
    enable_lossscale: bool = True
    """Scale the loss (for float16)."""
    do_shuffle: bool = True
    """Draw a new order of the records for each epoch."""
    enable_data_sink: bool = True
    """Feed Ascend and GPU through MindSpore's data sink, and look at losses every data_sink_steps; false: batches come one
    by one and every step is looked at."""
    data_sink_steps: Positive = 1
    """Steps of one sink, after which losses are looked at and logged; on a CPU, which has no sink, only that."""
    accumulation_steps: Positive = 1
    """Micro-batches whose gradients make one weight update."""
    mlm_loss: Literal["global", "zoo"] = "global"
    """global: the mean over all masked words of an update, as if its batch were one; zoo: the mean of the means of devices and
    micro-batches, in which a word counts the more the fewer are masked beside it."""
    save_checkpoint_steps: Positive = 1000
    """Weight updates between checkpoints."""
    save_checkpoint_num: Positive = 1
    """Checkpoints that are kept beside the final model."""
    train_steps: StepsOrAll = -1
    """Weight updates; with epoch_size the smaller wins; -1: epoch_size alone."""
    batch_size: Positive = 16
    """Records of a batch on one device."""
    seed: int = 1
    """Seed of weights, order and dropout."""
    spike_factor: NotNegative = 3.0
    """A loss above this many times the median of the last spike_window good steps is a spike; 0: nothing is."""
    spike_window: Positive = 100
    """Good steps that the median is of."""
    max_rollbacks: Count = 3
    """How often training may go back to its last snapshot and leave out the batch of a step that went wrong (a spike, or
    numbers that are not finite) before it stops."""


class PretrainPhases(Pretrain):
    """Pretraining: the seed's run_pretrain flags and options."""

    phase2: Pretrain | None = None
    """What differs in a second phase, which begins with the first one's weights (and no more of it) and trains on
    pretraining_data.phase2; null: there is none."""

    @model_validator(mode="before")
    @classmethod
    def spread(cls, values):
        return spread_phase2(values)


class PretrainEval(Section):
    """Evaluation on the held-out documents."""

    batch_size: Positive = 32
    """Records of a batch; does not change the result."""


class FinetuneLambOptions(LambOptions):
    """LAMB (You et al. 2020)."""

    learning_rate: Above0 = 2e-5
    """Peak rate."""
    end_learning_rate: NotNegative = 1e-7
    """Rate after the last decay step."""
    power: NotNegative = 1.0
    """Power of the polynomial decay."""


class FinetuneAdamOptions(AdamWeightDecayOptions):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    learning_rate: Above0 = 2e-5
    """Peak rate."""
    end_learning_rate: NotNegative = 1e-7
    """Rate after the last decay step."""
    power: NotNegative = 1.0
    """Power of the polynomial decay."""


class Finetune(Optimizing):
    """Finetuning: the seed's options; its paths are flags of the command."""

    optimizer: Annotated[Literal["Lamb", "AdamWeightDecay", "Momentum"], BeforeValidator(alias)] = "AdamWeightDecay"
    """Which optimizer; its options stand under its name."""
    Lamb: FinetuneLambOptions = FinetuneLambOptions()
    """Options of Lamb."""
    AdamWeightDecay: FinetuneAdamOptions = FinetuneAdamOptions()
    """Options of AdamWeightDecay (AdamWeightDecayDynamicLR is an alias)."""
    loss_scale_value: Scale = 2.0 ** 32
    """Initial loss scale."""
    epoch_num: Positive = 3
    """Passes over the training data (the seed's NER script uses 5)."""
    early_stopping: Count = 0
    """Stop after this many epochs without a better development score; 0: never. The best epoch is kept in any case."""
    train_batch_size: Positive = 32
    """Records of a training batch."""
    eval_batch_size: Positive = 32
    """Records of an evaluation batch; does not change the result."""
    max_seq_length: Annotated[int, Field(ge=8)] = 128
    """Tokens of a record, [CLS] and [SEP] included."""
    dropout_prob: Dropout = 0.1
    """Dropout before the task's head."""
    hidden_dropout_prob: Dropout | None = None
    """The encoder's dropout while finetuning; null: as the network says."""
    attention_probs_dropout_prob: Dropout | None = None
    """The attention's dropout while finetuning; null: as the network says."""
    train_data_shuffle: bool = True
    """Draw a new order of the records for each epoch."""
    eval_data_shuffle: bool = True
    """Evaluate in a drawn order; does not change the result."""
    doc_stride: Positive = 128
    """Span answering: tokens between the beginnings of the rows that a long context becomes."""
    max_query_length: Positive = 64
    """Span answering: tokens of a question; a longer one is cut."""
    n_best_size: Positive = 20
    """Span answering: answers that are listed for each question."""
    max_answer_length: Positive = 30
    """Span answering: tokens of a predicted answer, at the most."""
    forbid_illegal_labels: bool = True
    """With the CRF: make label steps that no annotation contains impossible (a middle after another type's beginning)."""


# ------------------------------------------------------------------------------------------------------------- tasks


class Task(DataForm):
    """One task. Its key is its name in paths and targets."""

    kind: Literal["ner", "classification", "regression", "squad"] | None = None
    """Kind of task (squad: span answering); null: that of the known data set of this name or `spec`, else ner."""
    assessment_method: Literal["accuracy", "f1", "mcc"] | None = None
    """What chooses the best epoch of a classification; null: what the benchmark counts, else accuracy."""
    train: Places | None = None
    """Training records: path, address or `sample:FILE`; with `archive` the name of a member of it."""
    dev: Places | None = None
    """Development records, which are evaluated; named as `train` is."""
    test: Places | None = None
    """Test records, for which every run predicts and which may have no labels; named as `train` is; null: there are none."""
    train_records: Positive | None = None
    """Train on so many of the training records, drawn the same every time; null: on all."""
    archive: Places | None = None
    """The zip or tar archive that holds them: path or address (several: mirrors, tried in order)."""
    sha256: Sha256 | None = None
    """SHA-256 that the archive must have."""
    networks: Annotated[list[str], Field(min_length=1), AfterValidator(distinct)] | None = None
    """The networks to finetune; null: all."""
    use_crf: Annotated[list[bool], Field(min_length=1), AfterValidator(distinct)] = [False]
    """Variants of a NER task: without and/or with a conditional random field on top."""
    seeds: Annotated[list[Count], Field(min_length=1), AfterValidator(distinct)] = [1]
    """One finetuning run for each."""
    finetune: Finetune = Finetune()
    """What differs from the section `finetune` for this task."""

    @model_validator(mode="after")
    def has_data(self):
        if not (self.train and self.dev):
            raise ValueError("a task needs data: give `train` and `dev`")
        if self.archive and any(len(places or ()) > 1 for places in (self.train, self.dev, self.test)):
            raise ValueError("with `archive`, `train`, `dev` and `test` name one member each")
        if self.sha256 and not self.archive:
            raise ValueError("sha256 is that of an `archive`, and there is none")
        return self


class Report(Section):
    """The pages."""

    title: str = "dump2bert"
    """Heading of the page."""


class NetworkEntry(Network):
    """A network of the run: the network's keys, and how it comes by its weights."""

    like: str | None = None
    """Another network, whose keys this one has where it gives none of its own: `{like: base, start: random}`."""
    start: str = "pretrain"
    """pretrain: pretrained in this run; random: not pretrained at all; else the path of a checkpoint that `dump2bert import`
    reads (a Hugging Face folder, Google's, the zoo's or one of this project), which says itself what network it is."""
    further_pretraining: bool = False
    """Pretrain an imported network further in this run, on its corpus, as the section `pretrain` says."""
    pretrain: PretrainPhases = PretrainPhases()
    """What differs from the section `pretrain` for this network."""

    @property
    def is_imported(self):
        return self.start not in ("pretrain", "random")

    @property
    def is_pretrained(self):
        """In this run, from random weights or further."""
        return self.start == "pretrain" or self.further_pretraining

    @model_validator(mode="after")
    def goes_on_from_something(self):
        if self.further_pretraining and not self.is_imported:
            raise ValueError(f"further_pretraining is for a network that is imported, and start is {self.start}: name the "
                             "checkpoint there")
        return self


class Threads(Section):
    """Cores of a job; they change no result and make nothing stale."""

    pretrain: Positive = 2
    """Of pretrain, on a CPU."""
    finetune: Positive = 2
    """Of finetune, on a CPU."""
    predict: Positive = 2
    """Of pretrain_eval and predict, on a CPU."""
    pretraining_data: Positive = 2
    """Of pretraining_data (training documents)."""
    vocabulary: Positive = 2
    """Of the training of a vocabulary."""


class Config(Section):
    """The whole configuration, in the order in which the data flows."""

    results: Folder = "results"
    """Folder of all outputs."""
    state: Folder = "state"
    """Folder of training state, from which an interrupted run goes on."""
    keep_intermediate: bool = True
    """Keep the extracted articles and the cleaned text; false removes them as soon as `split` has read them."""
    device_target: Device = "Ascend"
    """Where to train."""
    sample: Sample = Sample()
    corpus: Corpus = Corpus()
    extract: Extract = Extract()
    clean: Clean = Clean()
    split: Split = Split()
    gates: Gates = Gates()
    vocabulary: Vocabulary = Vocabulary()
    pretraining_data: PretrainingData = PretrainingData()
    pretrain: PretrainPhases = PretrainPhases()
    pretrain_eval: PretrainEval = PretrainEval()
    finetune: Finetune = Finetune()
    networks: dict[Name, NetworkEntry] = {}
    """The networks by name."""
    tasks: dict[Name, Task] = {}
    """The tasks by name."""
    report: Report = Report()
    threads: Threads = Threads()
    adopt_state: Places | None = None
    """State folders (state/NETWORK/..., as the message names them) whose runs are to be continued although the code has changed
    since; each for the network, and the phase, in whose folder it lies."""
    fresh: bool = False
    """Begin anew although a state folder of the same run exists that other code has written."""

    @model_validator(mode="before")
    @classmethod
    def spread_sections(cls, values):
        """A network's `pretrain` and a task's `finetune` say only what differs from the sections of that name."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        for entries, section in (("networks", "pretrain"), ("tasks", "finetune")):
            if isinstance(values.get(entries), dict) and isinstance(values.get(section, {}), dict):
                values[entries] = {
                    name: {**entry, section: merged(values.get(section, {}), entry.get(section, {}))}
                    if isinstance(entry, dict) and isinstance(entry.get(section, {}), dict) else entry
                    for name, entry in values[entries].items()}
        return values

    @model_validator(mode="before")
    @classmethod
    def like_others(cls, values):
        """A network that is `like` another one has its keys below its own."""
        networks = values.get("networks") if isinstance(values, dict) else None
        if not isinstance(networks, dict):
            return values
        found = {}
        for name, entry in networks.items():
            other = entry.get("like") if isinstance(entry, dict) else None
            if other is not None:
                below = networks.get(other) if isinstance(other, str) else None
                if not isinstance(below, dict) or below is entry:
                    raise ValueError(f"networks.{name}.like names {other!r}, which is not another one under networks"
                                     f"{did_you_mean(str(other), networks)}")
                if "like" in below:
                    raise ValueError(f"networks.{name}.like names {other!r}, which is like {below['like']!r}: name that one")
                entry = merged(below, entry)
            found[name] = entry
        return {**values, "networks": found}

    @model_validator(mode="after")
    def knows_the_data_sets(self):
        know_data_sets(self.tasks)
        return self

    @model_validator(mode="after")
    def refers_to_what_exists(self):
        for name, task in self.tasks.items():
            for network in task.networks or ():
                if network not in self.networks:
                    raise ValueError(f"tasks.{name}.networks names {network!r}, which is not under networks"
                                     f"{did_you_mean(network, self.networks)}")
        for name, network in self.networks.items():
            data = [self.pretraining_data]
            if network.pretrain.phase2 and network.is_pretrained:
                if not self.pretraining_data.phase2:
                    raise ValueError(f"networks.{name}.pretrain has a phase2, but pretraining_data has none: say there how "
                                     "its data differs, for example phase2: {max_seq_length: 512, "
                                     "max_predictions_per_seq: 80}")
                data.append(self.pretraining_data.phase2)
            lengths = [part.max_seq_length for part in data]
            if network.is_pretrained and any(network.seq_length not in (None, length) for length in lengths):
                raise ValueError(f"networks.{name}.seq_length is {network.seq_length}, but pretraining_data has "
                                 f"max_seq_length {' and '.join(map(str, lengths))}")
            longest = max(lengths + [task.finetune.max_seq_length for task in self.tasks.values()])
            if (not network.use_relative_positions and longest > network.max_position_embeddings
                    and not network.is_imported):
                raise ValueError(f"networks.{name}.max_position_embeddings is {network.max_position_embeddings}, "
                                 f"but sequences of {longest} are asked for")
        if not self.corpus.sources and (
                any(network.is_pretrained for network in self.networks.values())
                or (self.tasks and not self.vocabulary.source)):
            raise ValueError("corpus.sources is empty: give a dump or a text to pretrain and to train a vocabulary on")
        return self


# ---------------------------------------------------------------------------------------------- loading and its errors


def load_config(values):
    """The validated Config of a nested dict (config.yaml with overlays). BadInput: one sentence about the first error."""
    return validated(Config, without_nulls(values), "config: ")


def plain(section) -> dict[str, Any]:
    """A section as plain values (what stages receive, Snakemake compares and JSON holds)."""
    return section.model_dump(mode="json")
