"""Stage `pretrain`: TFRecord shards -> model.ckpt, network.json, metrics.jsonl, with a state that survives kills."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, make_folder, sha256_of
from dump2bert.progress import say


def run(*, data_dir, schema_dir, vocab_file, state_dir, save_checkpoint_path, load_checkpoint_path, network,
        device_target, adopt_state, fresh, stop_with_parent, zoo_lines, **options):
    """network: the keys of config.py's Network and relative_positions; options: the fields of its Pretrain."""
    from dump2bert.digest import code_digest
    from dump2bert.tokenization import load_vocabulary
    from dump2bert.training import checkpoints, context, distribution
    from dump2bert.training.interruption import Interruption
    from dump2bert.training.pretraining import Run, resolved_network, state_key
    from dump2bert.training.pretraining_batches import manifest, open_records
    from dump2bert.training.pretraining_loop import train
    from dump2bert.training.state import open_state

    options = SimpleNamespace(device_target=device_target, **options)
    state_dir = state_dir or Path("state")
    if network is None:
        raise BadInput('--network is missing: a JSON file of the network\'s keys, for example {"bert_network": "base"}')
    if options.train_steps == 0:
        raise BadInput("train_steps is 0, so nothing would be trained: give the number of steps, or -1 for all of epoch_size")
    if options.distribute and not distribution.is_rank():
        start_ranks({**vars(options), "network": {"network": network}, "data_dir": data_dir, "schema_dir": schema_dir,
                     "vocab_file": vocab_file, "state_dir": state_dir, "save_checkpoint_path": save_checkpoint_path,
                     "load_checkpoint_path": load_checkpoint_path, "adopt_state": adopt_state, "fresh": fresh,
                     "zoo_lines": zoo_lines}, stop_with_parent)
        return
    interruption = Interruption(stop_with_parent)
    context.set_up(device_target, distribution.own_device(options.device_id) if options.distribute else options.device_id)
    world = distribution.join(options.distribute, options.device_num)
    records = open_records(data_dir, schema_dir)
    vocabulary_size = len(load_vocabulary(vocab_file)) if vocab_file else None
    asked = network["compute_type"]
    compute_type = context.pretraining_compute_type(asked, device_target, network["hidden_size"])
    if world.any(compute_type == "float32"):
        compute_type = "float32"    # what one rank cannot, none does
    network = resolved_network(network, vocabulary_size, records.columns["input_ids"], compute_type)
    data, code = manifest(data_dir, schema_dir), code_digest("stages.pretrain")
    key = state_key(options, {**network, "compute_type": asked}, data, load_checkpoint_path)
    folder = Path(save_checkpoint_path or ".")
    if world.is_first:
        make_folder(folder)    # rather than find out after days that it cannot be
    locked = open_state(state_dir, key, code, adopt_state, fresh) if world.is_first else nullcontext()
    with locked as state:
        training = Run(options, network, records, load_checkpoint_path, world)
        order = training.order
        say(f"{len(records)} records, {order.steps_per_epoch} steps of {order.batch} in an epoch, {order.left_out} "
            f"records of each epoch left out{f'; metrics in {state.folder}/metrics.jsonl' if state else ''}")
        if state:
            training.restore(state, fresh)
        graphs = nullcontext()
        # Accumulation is two graphs, which MindSpore reads back as if each had weights of its own.
        if world.size == 1 and options.accumulation_steps == 1:
            # The state's folder stands for all else that the graph depends on.
            graphs = context.kept_graphs(state.folder / "graphs", f"{training.last_update}-{compute_type}")
        with graphs, interruption:
            train(training, state, interruption, folder, zoo_lines)
        if not state:
            return
        checkpoints.save(folder, training.model, network, {
            "step": training.step, "updates": training.updates, "epoch_size": options.epoch_size, "data": data,
            "seed": options.seed, "code": code, "adopted_state": state.adopted(), "device_num": world.size,
            "rollbacks": len(training.rollbacks.lines), "vocabulary_sha256": sha256_of(vocab_file) if vocab_file else None,
            "initial_weights": str(load_checkpoint_path) if load_checkpoint_path else None})
        with atomic_write(folder / "metrics.jsonl") as copy:
            copy.write((state.folder / "metrics.jsonl").read_text())
        say(f"trained {training.updates} steps; {folder / 'model.ckpt'}")


def start_ranks(flags, stop_with_parent):
    """The same command once for each device of this machine, all of which live or end together. (Several machines, core
    binding, rank tables: `dump2bert launch`.)"""
    from dump2bert.launching import commands, supervision

    device_num = flags.pop("device_num")
    if device_num < 2:
        raise BadInput("--distribute true --device_num 1: say on how many devices to train, or leave distribute out")
    flags = {name: value for name, value in flags.items() if name not in ("distribute", "device_id")}
    log_dir = Path(flags["save_checkpoint_path"] or ".") / "ranks"
    supervision.run(commands.ranks_here(device_num, {**flags, "stop_with_parent": True}, log_dir), log_dir,
                    stop_with_parent)
