"""What the house rules need: each module finds violations and returns them as lines of text."""
