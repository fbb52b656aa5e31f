"""From sentences to shards of masked instances: what BERT is pretrained on."""
