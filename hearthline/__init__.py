"""The `hearthline` command, and nothing else."""
