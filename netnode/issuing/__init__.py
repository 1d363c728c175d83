"""What the owner's node appends as an issuer of credit, and what it asks of other issuers as a holder."""
