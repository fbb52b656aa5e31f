"""Hugging Face folders: config.json, weights, vocabulary. Networks are BERT (`bert`) or, in transformers 4, NEZHA (`nezha`).

Read are model.safetensors and pytorch_model.bin, whole or in shards, with or without heads and whatever the class that
they were saved from; also the folders of Huawei's NEZHA-PyTorch, whose description is a bert_config.json. Written is
what transformers loads without missing or unexpected keys.
"""


import numpy as np
import safetensors
from safetensors.numpy import save

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, read_json, read_lines, write_json
from dump2bert.interop.parameters import head_shapes
from dump2bert.interop.torch_files import read_torch

WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
ACTIVATIONS = {"gelu": "gelu", "gelu_python": "gelu", "gelu_new": "gelu_new", "gelu_pytorch_tanh": "gelu_new",
               "relu": "relu"}
NEZHA_DISTANCE = 64
SAFETENSORS_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
                     "U8": "u1", "BOOL": "?"}
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}


# -------------------------------------------------------------------------------------------------------------- reading


def files_of(folder):
    """The files of a folder that are read: the description, weights (the first form that is there), vocabulary."""
    return [path for path in (config_file(folder), *weight_files(folder), folder / "vocab.txt", folder / "tokenizer.json",
                              folder / "tokenizer_config.json") if path and path.is_file()]


def config_file(folder):
    return next((folder / name for name in ("config.json", "bert_config.json") if (folder / name).is_file()), None)


def weight_files(folder):
    """Where the weights lie: one file, or an index and its shards."""
    first = next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)
    if first is None or first.suffix != ".json":
        return [first] if first else []
    index = read_json(first)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict) or not shards or not all(
            isinstance(name, str) and "/" not in name for name in shards.values()):
        raise BadInput(f"{first} does not say in which files the weights lie (weight_map)")
    return [first, *(folder / name for name in dict.fromkeys(shards.values()))]


def read_folder(folder):
    """-> weights by our names (with whatever heads there are), the network's keys, what else is known:
    {"do_lower_case": ...}, words of the vocabulary or None."""
    config = config_file(folder)
    if config is None:
        raise BadInput(f"{folder} has no config.json (nor bert_config.json), so it is no Hugging Face folder")
    network = network_of(read_json(config), config)
    paths = [path for path in weight_files(folder) if path.suffix != ".json"]
    if not paths:
        raise BadInput(f"{folder} has no weights: one of {', '.join(WEIGHT_FILES)} should be there")
    weights = {}
    for path in paths:
        weights |= read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    tokenizer = folder / "tokenizer_config.json"
    options = read_json(tokenizer) if tokenizer.is_file() else {}
    lower = options.get("do_lower_case") if isinstance(options, dict) else None
    return our_names(weights), network, {"do_lower_case": lower} if isinstance(lower, bool) else {}, read_words(folder)


def read_safetensors(path):
    """name -> numpy array. BadInput where the file is cut off or no safetensors."""
    try:
        parts = safetensors.deserialize(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except safetensors.SafetensorError as error:
        raise BadInput(f"{path} is no safetensors file, or it is cut off or damaged ({error})") from error
    found = {}
    for name, part in parts:
        if part["dtype"] == "BF16":
            numbers = (np.frombuffer(part["data"], "<u2").astype("<u4") << 16).view("<f4")
        elif part["dtype"] in SAFETENSORS_TYPES:
            numbers = np.frombuffer(part["data"], SAFETENSORS_TYPES[part["dtype"]])
        else:
            raise BadInput(f"{path} has {name} as {part['dtype']}, a type that is not read here")
        found[name] = numbers.reshape(part["shape"])
    return found


def network_of(config, path):
    """The network's keys out of config.json."""
    if not isinstance(config, dict):
        raise BadInput(f"{path} holds no JSON object, so it describes no network")
    kind = config.get("model_type", "bert")
    if kind not in ("bert", "nezha"):
        raise BadInput(f"{path} describes a network of the kind {kind!r}; read are bert and nezha")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise BadInput(f"{path} asks for position_embedding_type {config['position_embedding_type']!r}, which no network "
                       "here has")
    nezha = kind == "nezha" or bool(config.get("use_relative_position"))
    if nezha and config.get("max_relative_position", NEZHA_DISTANCE) != NEZHA_DISTANCE:
        raise BadInput(f"{path} has max_relative_position {config['max_relative_position']}; NEZHA's here is {NEZHA_DISTANCE}")
    missing = [key for key in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
               if key not in config]
    if missing:
        raise BadInput(f"{path} does not say {missing[0]}, so it describes no BERT")
    asked = config.get("hidden_act", "gelu")
    if asked not in ACTIVATIONS:
        raise BadInput(f"{path} has the activation {asked!r} (hidden_act); known here are {', '.join(ACTIVATIONS)}")
    return {**{key: config[key] for key in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                                            "intermediate_size")},
            "hidden_act": ACTIVATIONS[asked],
            "hidden_dropout_prob": config.get("hidden_dropout_prob", 0.1),
            "attention_probs_dropout_prob": config.get("attention_probs_dropout_prob", 0.1),
            "max_position_embeddings": config.get("max_position_embeddings", 512),
            "type_vocab_size": config.get("type_vocab_size", 2),
            "initializer_range": config.get("initializer_range", 0.02),
            "layer_norm_eps": config.get("layer_norm_eps", 1e-12),
            "use_relative_positions": nezha, "relative_position_kind": "nezha"}


def our_names(weights):
    """Hugging Face's names of any of its classes of BERT or NEZHA, of old versions too, as ours."""
    whole = any(name.startswith(("bert.", "nezha.")) for name in weights)
    found = {}
    for name, value in weights.items():
        name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
        if name.startswith("nezha."):
            name = name.replace("nezha.", "bert.", 1)
        elif not whole:
            name = f"bert.{name}"
        if not name.endswith(("position_ids", "token_type_ids", "positions_encoding")):    # tables, no weights
            found[name] = value
    if "cls.predictions.bias" not in found and "cls.predictions.decoder.bias" in found:
        found["cls.predictions.bias"] = found["cls.predictions.decoder.bias"]
    return found


def read_words(folder):
    """The vocabulary: vocab.txt, else that of tokenizer.json, else None."""
    if (folder / "vocab.txt").is_file():
        return [word for _, word in read_lines(folder / "vocab.txt")]
    if not (folder / "tokenizer.json").is_file():
        return None
    tokenizer = read_json(folder / "tokenizer.json")
    model = tokenizer.get("model", {}) if isinstance(tokenizer, dict) else {}
    words = model.get("vocab") if isinstance(model, dict) and model.get("type") == "WordPiece" else None
    if not isinstance(words, dict) or sorted(words.values()) != list(range(len(words))):
        raise BadInput(f"{folder / 'tokenizer.json'} holds no WordPiece vocabulary with ids from 0")
    return sorted(words, key=words.get)


# -------------------------------------------------------------------------------------------------------------- writing

# Kind of task -> Hugging Face's class (after Bert or Nezha), its name of the head, whether it has the pooler.
TASKS = {"classification": ("ForSequenceClassification", "classifier", True),
         "regression": ("ForSequenceClassification", "classifier", True),
         "ner": ("ForTokenClassification", "classifier", False),
         "squad": ("ForQuestionAnswering", "qa_outputs", False)}


def write_folder(folder, weights, network, task, words, do_lower_case, source):
    """Write weights, config.json and, with words, the tokenizer's files. -> the name of the class that loads it.

    weights: by our names; network, task: as in network.json (task may be None); source: what errors call it.
    """
    if network["relative_positions"] == "zoo":
        raise BadInput(f"{source} has the model zoo's relative positions (zoo), which no network of Hugging Face has, so it "
                       "cannot be exported as one; MindIR and ONNX can hold it")
    kind = "nezha" if network["relative_positions"] == "nezha" else "bert"
    chosen, name, labels = of_class(weights, network, task, source)
    chosen = {item.replace("bert.", f"{kind}.", 1) if item.startswith("bert.") and name != "Model" else
              item.removeprefix("bert."): value for item, value in chosen.items()}
    config = {
        "architectures": [f"{kind.capitalize()}{name}"], "model_type": kind,
        **{key: network[key] for key in (
            "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
            "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size",
            "initializer_range", "layer_norm_eps")},
        **({"max_relative_position": NEZHA_DISTANCE, "use_relative_position": True} if kind == "nezha" else {}),
        "pad_token_id": words.index("[PAD]") if words and "[PAD]" in words else 0,
        "tie_word_embeddings": True, "torch_dtype": "float32", **labels}
    with atomic_write(folder / "model.safetensors", "wb") as file:
        # transformers wants to be told that the tensors lie as torch's do.
        file.write(save({item: np.ascontiguousarray(value) for item, value in chosen.items()}, {"format": "pt"}))
    write_json(folder / "config.json", config)
    if words is not None:
        with atomic_write(folder / "vocab.txt") as file:
            file.writelines(f"{word}\n" for word in words)
        write_json(folder / "tokenizer_config.json", {
            "tokenizer_class": "BertTokenizer", "do_lower_case": do_lower_case, "tokenize_chinese_chars": True,
            "strip_accents": None, "model_max_length": network["max_position_embeddings"], **SPECIAL})
    return config["architectures"][0]


def of_class(weights, network, task, source):
    """-> the weights that Hugging Face's class has, by our names, the class' name and its labels' entries in config.json."""
    encoder = {name: value for name, value in weights.items() if name.startswith("bert.")}
    if not task:
        heads = {name: weights[name] for name in head_shapes(network) if name in weights}
        return ({**encoder, **heads}, "ForPreTraining", {}) if heads else (encoder, "Model", {})
    if task.get("use_crf"):
        raise BadInput(f"{source} ends in a conditional random field, which no class of Hugging Face has: export the network "
                       "that was finetuned without one")
    if task.get("kind") not in TASKS:
        raise BadInput(f"{source} is finetuned for a task of the kind {task.get('kind')!r}, for which Hugging Face has no "
                       f"class; it has one for {', '.join(TASKS)}")
    name, head, pooled = TASKS[task["kind"]]
    heads = {part: weights[part] for part in (f"{head}.weight", f"{head}.bias") if part in weights}
    if len(heads) < 2:
        raise BadInput(f"{source} has no {head}, though its network.json says that it is finetuned for {task['kind']}")
    if not pooled:
        encoder = {part: value for part, value in encoder.items() if not part.startswith("bert.pooler.")}
    count = len(heads[f"{head}.bias"])
    names = task.get("labels") or [f"LABEL_{number}" for number in range(count)]
    labels = {"id2label": {str(number): str(label) for number, label in enumerate(names)},
              "label2id": {str(label): number for number, label in enumerate(names)}}
    if task["kind"] == "regression":
        labels["problem_type"] = "regression"
    return {**encoder, **heads}, name, {} if task["kind"] == "squad" else labels
