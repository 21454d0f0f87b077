"""Reports as lines of characters: nothing wider than the terminal, nothing told by colour alone."""
