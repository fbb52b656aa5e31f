"""Stage `pretrain_eval`: MLM and NSP accuracy, loss and perplexity of a pretrained network on held-out documents."""

from dump2bert.errors import BadInput
from dump2bert.files import write_json
from dump2bert.progress import say


def run(*, checkpoint, data_dir, schema_dir, output, batch_size, device_target, split):
    """checkpoint: model.ckpt with network.json beside it; split: what the result calls the data, or None."""
    from dump2bert.nets.bert import namespace
    from dump2bert.nets.heads import BertForPretraining
    from dump2bert.training import checkpoints, context
    from dump2bert.training.pretraining_batches import manifest, open_records
    from dump2bert.training.pretraining_eval import evaluate

    context.set_up(device_target)
    description = checkpoints.read_description(checkpoint)
    network = namespace(description["network"])
    network.compute_type = context.usable_compute_type(network.compute_type, device_target)
    records = open_records(data_dir, schema_dir)
    if not len(records):
        raise BadInput(f"{data_dir} has no instances to evaluate on")
    length = records.columns["input_ids"]
    if network.relative_positions == "none" and length > network.max_position_embeddings:
        raise BadInput(f"{data_dir} has sequences of {length}, but the max_position_embeddings of {checkpoint} is "
                       f"{network.max_position_embeddings}")
    model = BertForPretraining(network)
    missing = checkpoints.load_weights(checkpoint, model, needed="bert.")
    if missing:
        raise BadInput(f"{checkpoint} has no {missing[0]}: it is an encoder without the heads of pretraining, so there "
                       "is nothing to evaluate")
    metrics = evaluate(model, network, records, batch_size)
    provenance = description.get("provenance", {})
    write_json(output, {**metrics, "split": split, "data": manifest(data_dir, schema_dir),
                        "seed": provenance.get("seed"), "step": provenance.get("step")})
    say(f"MLM accuracy {metrics['mlm_accuracy']:.4f} (always the commonest word: "
        f"{metrics['majority_mlm_accuracy']:.4f}), NSP accuracy {metrics['nsp_accuracy']:.4f}, "
        f"{metrics['instances']} instances")
