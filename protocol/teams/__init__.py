"""Teams: who sponsors whom, since when, and what they do for each other; a fold of the owner's log."""
