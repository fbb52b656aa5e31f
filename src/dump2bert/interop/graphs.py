"""MindIR and ONNX: one file with graph and weights, for a batch and a sequence of fixed sizes.

What the graph takes and gives:
    pretrained network   input_ids, input_mask, token_type_ids (B, S), masked_lm_positions (B, P)
                         -> log probabilities of the words (B * P, V) and of "random next" (B, 2)
    encoder without head, or task network   input_ids, input_mask, token_type_ids
                         -> sequence_output (B, S, H), pooled_output (B, H); or the head's scores (see TaskScores)
All int32 in, float32 out. MindSpore writes ONNX of operator set 11 and knows no ONNX for a few operators, so LayerNorm is
written with a square root and a division, and relative positions become constants.
"""

import os
import tempfile
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, onnx, ops

from dump2bert.errors import BadInput
from dump2bert.files import make_folder, sync_folder
from dump2bert.interop.parameters import head_shapes
from dump2bert.nets import compiled
from dump2bert.nets.bert import BertModel, SelfAttention
from dump2bert.nets.heads import BertForPretraining
from dump2bert.nets.operators import (
    ComposedContext, ComposedLinear, ComposedScores, FastLayerNorm, LayerNorm, Linear, composed_gelu)

INPUTS = ["input_ids", "input_mask", "token_type_ids", "masked_lm_positions"]
HEADS = {"classification": "classifier", "regression": "classifier", "ner": "classifier", "squad": "qa_outputs"}


class Encoder(nn.Cell):
    """BertModel with the arguments in the order of the others."""

    def __init__(self, network):
        super().__init__()
        self.bert = BertModel(network)

    def construct(self, input_ids, input_mask, token_type_ids):
        return self.bert(input_ids, token_type_ids, input_mask)


class TaskScores(nn.Cell):
    """The scores of a task's head: of a text's labels (B, K), or of each token's labels (B, S, K)."""

    def __init__(self, network, count, pooled):
        super().__init__()
        self.bert = BertModel(network)
        self.classifier = Linear(network["hidden_size"], count)
        self.pooled, self.count = pooled, count

    def construct(self, input_ids, input_mask, token_type_ids):
        hidden, pooled = self.bert(input_ids, token_type_ids, input_mask)
        if self.pooled:
            return self.classifier(pooled)
        batch, length, size = hidden.shape
        return self.classifier(hidden.reshape(batch * length, size)).reshape(batch, length, self.count)


class PlainNorm(nn.Cell):
    """LayerNorm in operators that MindSpore can write as ONNX."""

    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def construct(self, x, weight, bias):
        centred = x - ops.mean(x, -1, True)
        return centred / ops.sqrt(ops.mean(centred * centred, -1, True) + self.eps) * weight + bias


class Constant(nn.Cell):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def construct(self, _):
        return self.value


OUTPUTS = {BertForPretraining: ["masked_words", "next_sentence"], Encoder: ["sequence_output", "pooled_output"],
           TaskScores: ["scores"]}


def build(weights, network, task, source):
    """The cell of a checkpoint, with its weights; BadInput where there is none for it."""
    network = {**network, "compute_type": "float32"}
    if task:
        if task.get("use_crf"):
            raise BadInput(f"{source} ends in a conditional random field, whose decoding has no graph of fixed shape here: "
                           "export the network that was finetuned without one")
        if task.get("kind") not in HEADS:
            raise BadInput(f"{source} is finetuned for a task of the kind {task.get('kind')!r}, which cannot be exported; these "
                           f"can: {', '.join(HEADS)}")
        head = HEADS[task["kind"]]
        if f"{head}.bias" not in weights:
            raise BadInput(f"{source} has no {head}, though its network.json says that it is finetuned for {task['kind']}")
        cell = TaskScores(network, len(weights[f"{head}.bias"]), task["kind"] in ("classification", "regression"))
        weights = {name.replace(f"{head}.", "classifier."): value for name, value in weights.items()}
    else:
        cell = BertForPretraining(network) if set(head_shapes(network)) <= set(weights) else Encoder(network)
    for item in cell.get_parameters():
        item.set_data(Tensor(weights[item.name]))
    make_portable(cell)
    return cell.set_train(False)


def make_portable(cell):
    """Put MindSpore's operators in the place of those that are compiled for this machine."""
    for _, part in list(cell.cells_and_names()):
        if isinstance(part, LayerNorm):
            part.form = FastLayerNorm(part.size, part.eps)
        if isinstance(part, Linear):
            part.form = ComposedLinear()
        if isinstance(part, SelfAttention):
            part.scores, part.context = ComposedScores(), ComposedContext()
        if isinstance(getattr(part, "activation", None), compiled.Gelu):
            part.activation = composed_gelu(part.activation.name)


def inputs_of(cell, batch_size, seq_length, max_predictions_per_seq):
    """Tensors of the shapes that the graph shall take."""
    rows = np.zeros((batch_size, seq_length), np.int32)
    inputs = [Tensor(rows), Tensor(rows + 1), Tensor(rows)]
    if isinstance(cell, BertForPretraining):
        inputs.append(Tensor(np.zeros((batch_size, max_predictions_per_seq), np.int32)))
    return inputs


def write_graph(path, cell, inputs, form):
    """Write `cell` to `path`, atomically. form: mindir or onnx."""
    if form == "onnx" and isinstance(cell, Encoder):
        raise BadInput(f"MindSpore {ms.__version__} loses sequence_output where it writes an encoder without heads as ONNX: "
                       "export it as MindIR or for Hugging Face, or a network with heads")
    if form == "onnx":
        make_plain(cell, inputs[0].shape[1])
    make_folder(path.parent)
    # MindSpore closes the folder that it writes into to others, so it gets one of its own.
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".part", dir=path.parent) as folder:
        written = Path(folder) / path.name
        try:
            if form == "onnx":
                onnx.export(cell, *inputs, file_name=str(written), input_names=INPUTS[:len(inputs)],
                            output_names=OUTPUTS[type(cell)])
            else:
                ms.export(cell, *inputs, file_name=str(written), file_format="MINDIR")
        except (RuntimeError, ValueError, TypeError) as error:
            raise BadInput(f"MindSpore {ms.__version__} cannot write this network as {form}: "
                           f"{str(error).strip().splitlines()[0]}") from error
        if not written.is_file():
            raise BadInput(f"MindSpore {ms.__version__} writes a network of more than 1 GB as {form} in parts, which is not "
                           "taken here")
        written.chmod(0o644)
        with open(written, "rb") as file:
            os.fsync(file.fileno())
        os.replace(written, path)
        sync_folder(path.parent)


def make_plain(cell, seq_length):
    """Put operators in the place of those that MindSpore cannot write as ONNX."""
    for _, part in list(cell.cells_and_names()):
        if isinstance(part, LayerNorm):
            part.form = PlainNorm(part.eps)
        positions = getattr(part, "relative_positions", None)
        if isinstance(positions, nn.Cell):
            part.relative_positions = Constant(Tensor(positions(seq_length).asnumpy()))
