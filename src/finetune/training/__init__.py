"""Training on the Hugging Face Trainer: what learns and how fast, checkpoints, tracking, exports."""
