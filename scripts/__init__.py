"""What the project's own commands share. Not part of the wheel."""
