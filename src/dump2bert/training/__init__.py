"""Training: optimizers, schedules, the train step, the input pipeline, state that survives a kill, and the device."""
