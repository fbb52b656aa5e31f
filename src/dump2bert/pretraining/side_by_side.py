"""Work spread over threads (kernels run without the interpreter's lock), results in order, never much ahead of their use."""

from collections import deque


def in_order(pool, function, arguments, ahead):
    """Yield function(argument) of each argument, in their order; at most `ahead` are under way or waiting to be taken."""
    waiting = deque()
    try:
        for argument in arguments:
            waiting.append(pool.submit(function, argument))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
