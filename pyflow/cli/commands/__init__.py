"""The commands, a file each; a command's function is its name."""
