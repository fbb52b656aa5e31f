"""The type of matrix products in pretraining, as far as it can be told without looking at the machine."""

LARGE = 512    # hidden_size from which a step's time is that of its matrix products


def wanted_in_pretraining(asked, device_target, hidden_size):
    """What `compute_type` means: float16 on a CPU is its own half type, bfloat16, for large networks; small ones have
    little to gain from it and keep float32's digits."""
    if device_target != "CPU" or asked != "float16":
        return asked
    return "bfloat16" if hidden_size >= LARGE else "float32"
