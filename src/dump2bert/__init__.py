"""From a Wikipedia dump to a pretrained BERT or NEZHA and its scores on real tasks."""

__version__ = "0.1.0"
