"""Stage `export`: model.ckpt with its network.json -> a Hugging Face folder, or a graph as MindIR or ONNX."""

from dump2bert.errors import BadInput
from dump2bert.progress import say


def run(*, source, destination, format, vocab_file, do_lower_case, batch_size, seq_length, max_predictions_per_seq):
    """source: a model.ckpt or its folder; vocab_file: default: the vocab.txt beside it; do_lower_case: None: as the
    checkpoint says. The last three are the sizes of a graph."""
    from dump2bert.interop.sources import read_own
    from dump2bert.tokenization import load_vocabulary

    weights, description, words, path = read_own(source)
    network, task = description["network"], description.get("task")
    words = list(load_vocabulary(vocab_file)) if vocab_file else words
    if words is not None and len(words) > network["vocab_size"]:
        raise BadInput(f"the vocabulary has {len(words)} words, but the network of {path} knows {network['vocab_size']}: they "
                       "do not belong together")
    if format == "huggingface":
        from dump2bert.interop.huggingface import write_folder

        if do_lower_case is None:
            do_lower_case = (task or description).get("do_lower_case", True)
        name = write_folder(destination, weights, network, task, words, do_lower_case, path)
        without = "" if words is not None else " (without a vocabulary: none is beside the checkpoint, nor given)"
        say(f"{destination}: {name}, {len(weights)} tensors{without}")
        return
    from dump2bert.interop.graphs import build, inputs_of, write_graph
    from dump2bert.training import context

    context.set_up("CPU")
    cell = build(weights, network, task, path)
    length = (seq_length or (task or {}).get("max_seq_length") or network["seq_length"]
              or network["max_position_embeddings"])
    if network["relative_positions"] == "none" and length > network["max_position_embeddings"]:
        raise BadInput(f"--seq_length {length} is above the network's max_position_embeddings, "
                       f"{network['max_position_embeddings']}")
    file = destination if destination.suffix == f".{format}" else destination / f"model.{format}"
    write_graph(file, cell, inputs_of(cell, batch_size, length, max_predictions_per_seq), format)
    say(f"{file}: {batch_size} sequences of {length} tokens")
