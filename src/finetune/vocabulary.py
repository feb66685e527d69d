"""The token ids that Phi-3 gives a meaning, as published in its tokenizer_config.json."""

UNKNOWN, BOS, EOS = 0, 1, 2
ENDOFTEXT, ASSISTANT, SYSTEM, END, USER = 32000, 32001, 32006, 32007, 32010

STOP_IDS = (ENDOFTEXT, END)
"""Generation ends on either; config.json of the published models names `EOS`, which they never write in a chat."""
PAD = ENDOFTEXT

IGNORED_LABEL = -100
"""A label that the loss passes over, as PyTorch's cross-entropy has it."""
