"""Networks: the BERT encoder with absolute or relative positions, its heads, and the operators they are made of."""
