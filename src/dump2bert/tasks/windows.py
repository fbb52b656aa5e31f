"""Where the windows of a long text begin: neighbours overlap by half, so that whatever an edge cuts off from what is
around it stands in the middle of another window."""


def window_starts(length, size):
    """The first tokens of the windows of at most `size` tokens that cover `length` tokens."""
    if length <= size:
        return [0]
    step = max(size // 2, 1)
    starts = list(range(0, length - size, step))
    return [*starts, length - size]
