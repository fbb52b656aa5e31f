"""Stage `import`: a checkpoint from elsewhere -> model.ckpt, network.json and vocab.txt, as `pretrain` leaves them."""

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, sha256_of
from dump2bert.progress import say


def run(*, source, destination, vocab_file, network_keys, compute_type):
    """source: see interop/sources.py; vocab_file: the vocabulary that it must have, or has where it does not say, or None;
    network_keys: {key: value} that differ from what the source says, or None."""
    from mindspore import Tensor

    from dump2bert.interop.sources import read
    from dump2bert.tokenization import load_vocabulary
    from dump2bert.training import checkpoints

    found = read(source, network_keys or {}, compute_type)
    words = found.words
    if vocab_file:
        given = list(load_vocabulary(vocab_file))
        if words is not None and words != given:
            raise BadInput(f"{vocab_file} is not the vocabulary of {source}: give the network's own (its vocab.txt)")
        words = given
    if words is not None and len(words) > found.network["vocab_size"]:
        raise BadInput(f"the vocabulary has {len(words)} words, but the network of {source} knows "
                       f"{found.network['vocab_size']}: they do not belong together")
    for names, what in ((found.drawn, "not there, so drawn at random"), (found.left_out, "left out")):
        if names:
            say(f"{what}: {', '.join(names[:8])}{' ...' if len(names) > 8 else ''} ({len(names)})")
    if words is not None:
        with atomic_write(destination / "vocab.txt") as file:
            file.writelines(f"{word}\n" for word in words)
    checkpoints.save(destination, [{"name": name, "data": Tensor(value)} for name, value in found.weights.items()],
                     found.network, {"imported_from": {"path": str(source), "form": found.form, "files": {
                         path.name: sha256_of(path) for path in found.files}}, "drawn": found.drawn,
                         "vocabulary_sha256": sha256_of(destination / "vocab.txt") if words is not None else None}, found.known)
    network = found.network
    say(f"{found.form}: {network['num_hidden_layers']} layers of {network['hidden_size']}, vocabulary "
        f"{network['vocab_size']}, positions {network['relative_positions']}, {network['hidden_act']}; "
        f"{destination / 'model.ckpt'}")
