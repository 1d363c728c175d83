"""What the owner offers: forms, amounts, and the records they become."""
