"""Checkpoints from and to the world: Hugging Face, Google's TensorFlow BERT, the model zoo; MindIR and ONNX."""
